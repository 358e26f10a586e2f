// Package history reads from the cluster which revisions of a workload changed
// its container ports, and by whom as far as managedFields tell.
package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
)

// History is a workload and its revisions, the oldest first.
type History struct {
	workload  *apply.Workload
	revisions []revision
}

// revision is a pod template that the workload has had, at one of the times
// that it had it.
type revision struct {
	record
	number int64
	// made is when the template got this number; zero where that is not known.
	made time.Time
}

// record is the object that keeps a template.
type record struct {
	name       string
	created    time.Time
	containers []apply.Container
}

// Resource is what kubectl calls the revisions of a kind.
func Resource(kind apply.Kind) string {
	if kind == apply.Deployment {
		return "replicaset.apps"
	}
	return "controllerrevision.apps"
}

// Read reads a workload and the revisions that it owns. Its error is the API
// server's, or a revision that cannot be read.
func Read(ctx context.Context, client appsclient.AppsV1Interface, t apply.Target) (*History, error) {
	w, owner, selector, err := get(ctx, client, t)
	if err != nil {
		return nil, err
	}
	labels, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("%s: spec.selector: %w", t, err)
	}
	list := controllerRevisions
	if t.Kind == apply.Deployment {
		list = replicaSets
	}
	revisions, err := list(ctx, client, t.Namespace, metav1.ListOptions{LabelSelector: labels.String()}, owner)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(revisions, func(a, b revision) int { return cmp.Compare(a.number, b.number) })
	return &History{workload: w, revisions: revisions}, nil
}

func get(ctx context.Context, client appsclient.AppsV1Interface, t apply.Target) (*apply.Workload, metav1.Object, *metav1.LabelSelector, error) {
	switch t.Kind {
	case apply.StatefulSet:
		s, err := client.StatefulSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return apply.ReadStatefulSet(s), s, s.Spec.Selector, nil
	case apply.DaemonSet:
		d, err := client.DaemonSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return apply.ReadDaemonSet(d), d, d.Spec.Selector, nil
	default:
		d, err := client.Deployments(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		return apply.ReadDeployment(d), d, d.Spec.Selector, nil
	}
}

func containers(template *corev1.PodTemplateSpec) []apply.Container {
	found := make([]apply.Container, 0, len(template.Spec.Containers))
	for _, c := range template.Spec.Containers {
		found = append(found, apply.Container{Name: c.Name, Ports: c.Ports})
	}
	return found
}
