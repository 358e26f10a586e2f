// Package history reads from the cluster which revisions of a workload changed
// its container ports, and by which manager, as far as that is certain:
//
//  1. The revisions are the ControllerRevisions or ReplicaSets that the cluster
//     keeps. Two that follow each other show what changed.
//  2. portside records its own changes, in AdapterSets and in Events. A revision
//     is portside's where these, in order and in time, are what changed.
//  3. Of other managers the cluster keeps what each owns, and when it last
//     wrote. A revision is a manager's where it alone owns what was added, and
//     has not written since.
//  4. Everything else is unknown.
package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
)

// History is a workload, its revisions, the oldest first, and what portside
// recorded.
type History struct {
	workload  *workload.Workload
	revisions []revision
	records   []record
	// Unread are the errors of records that may not be read.
	Unread []error
}

// revision is a pod template that the workload has had, at one of the times
// that it had it.
type revision struct {
	// name and created are those of the object that keeps the template.
	name       string
	created    time.Time
	containers []workload.Container
	number     int64
	// made is when the template got this number; zero where that is not known.
	made time.Time
}

// Resource is what kubectl calls the revisions of a kind.
func Resource(kind workload.Kind) string {
	if kind == workload.Deployment {
		return "replicaset.apps"
	}
	return "controllerrevision.apps"
}

// Read reads a workload, the revisions that it owns, and the records. Its error
// is the API server's, or a revision that cannot be read.
func Read(ctx context.Context, config *rest.Config, t workload.Target) (*History, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	sets, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	h := &History{}
	if err := h.readRevisions(ctx, client.AppsV1(), t); err != nil {
		return nil, err
	}
	return h, h.readRecords(ctx, sets, client.EventsV1())
}

func (h *History) readRevisions(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target) error {
	w, owner, selector, err := get(ctx, client, t)
	if err != nil {
		return err
	}
	labels, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return fmt.Errorf("%s: spec.selector: %w", t, err)
	}
	list := controllerRevisions
	if t.Kind == workload.Deployment {
		list = replicaSets
	}
	revisions, err := list(ctx, client, t.Namespace, metav1.ListOptions{LabelSelector: labels.String()}, owner)
	if err != nil {
		return err
	}
	slices.SortStableFunc(revisions, func(a, b revision) int { return cmp.Compare(a.number, b.number) })
	h.workload, h.revisions = w, revisions
	return nil
}
func get(ctx context.Context, client appsclient.AppsV1Interface, t workload.Target) (*workload.Workload, metav1.Object, *metav1.LabelSelector, error) {
	switch t.Kind {
	case workload.StatefulSet:
		s, err := client.StatefulSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return workload.ReadStatefulSet(s), s, s.Spec.Selector, nil
	case workload.DaemonSet:
		d, err := client.DaemonSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return workload.ReadDaemonSet(d), d, d.Spec.Selector, nil
	default:
		d, err := client.Deployments(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return workload.ReadDeployment(d), d, d.Spec.Selector, nil
	}
}

func containers(template *corev1.PodTemplateSpec) []workload.Container {
	found := make([]workload.Container, 0, len(template.Spec.Containers))
	for _, c := range template.Spec.Containers {
		found = append(found, workload.Container{Name: c.Name, Ports: c.Ports})
	}
	return found
}
