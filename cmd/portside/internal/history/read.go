// Package history reads from the cluster which revisions of a workload changed
// its container ports, and by whom as far as managedFields tell.
package history

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
)

// revisionAnnotation numbers the ReplicaSets of a Deployment; see
// https://kubernetes.io/docs/reference/labels-annotations-taints/#deployment-kubernetes-io-revision
const revisionAnnotation = "deployment.kubernetes.io/revision"

// History is a workload and its revisions, the oldest first.
type History struct {
	workload  *apply.Workload
	revisions []revision
}

// revision is a pod template that the workload has had.
type revision struct {
	name       string
	number     int64
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
	slices.SortFunc(revisions, func(a, b revision) int { return cmp.Compare(a.number, b.number) })
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

func controllerRevisions(ctx context.Context, client appsclient.AppsV1Interface, namespace string, o metav1.ListOptions, owner metav1.Object) ([]revision, error) {
	list, err := client.ControllerRevisions(namespace).List(ctx, o)
	if err != nil {
		return nil, err
	}
	var revisions []revision
	for i := range list.Items {
		r := &list.Items[i]
		if !metav1.IsControlledBy(r, owner) {
			continue
		}
		// The controllers store a patch that has the template alone.
		var stored struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		if err := json.Unmarshal(r.Data.Raw, &stored); err != nil {
			return nil, fmt.Errorf("ControllerRevision %s/%s cannot be read: %w", namespace, r.Name, err)
		}
		revisions = append(revisions, revision{r.Name, r.Revision, r.CreationTimestamp.Time, containers(&stored.Spec.Template)})
	}
	return revisions, nil
}

func replicaSets(ctx context.Context, client appsclient.AppsV1Interface, namespace string, o metav1.ListOptions, owner metav1.Object) ([]revision, error) {
	list, err := client.ReplicaSets(namespace).List(ctx, o)
	if err != nil {
		return nil, err
	}
	var revisions []revision
	for i := range list.Items {
		r := &list.Items[i]
		number, err := numberOf(r)
		if err != nil || !metav1.IsControlledBy(r, owner) {
			continue // one without a number has not been a revision yet
		}
		revisions = append(revisions, revision{r.Name, number, r.CreationTimestamp.Time, containers(&r.Spec.Template)})
	}
	return revisions, nil
}

func numberOf(r *appsv1.ReplicaSet) (int64, error) {
	return strconv.ParseInt(r.Annotations[revisionAnnotation], 10, 64)
}

func containers(template *corev1.PodTemplateSpec) []apply.Container {
	found := make([]apply.Container, 0, len(template.Spec.Containers))
	for _, c := range template.Spec.Containers {
		found = append(found, apply.Container{Name: c.Name, Ports: c.Ports})
	}
	return found
}
