package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

const (
	pollInterval = 50 * time.Millisecond
	// patience is how long a wait takes at most.
	patience = 90 * time.Second
)

// cluster reads objects.
type cluster struct {
	client kubernetes.Interface
	plane  *testenv.ControlPlane
	reader *testenv.Manager
}

// rest waits until the StatefulSet's rollout is complete. No controller writes it after
// that.
func (c cluster) rest(ctx context.Context) (*unstructured.Unstructured, error) {
	return c.plane.RolledOut(ctx, "StatefulSet", namespace, workload)
}

// object reads the StatefulSet.
func (c cluster) object(ctx context.Context) (*unstructured.Unstructured, error) {
	return c.reader.Get(ctx, "StatefulSet", namespace, workload)
}

// ports returns a container's ports in their order, with the owner of each.
func ports(object *unstructured.Unstructured, container string) ([]ownedPort, error) {
	var owned []ownedPort
	for _, port := range testenv.Ports(object, container) {
		owners, err := testenv.Owners(object, container, port[strings.LastIndex(port, ":")+1:])
		if err != nil {
			return nil, err
		}
		owned = append(owned, ownedPort{port, managers(owners)})
	}
	return owned, nil
}

// content returns the object without the time of its last write: resourceVersion, and
// the times of managedFields, by which the server sorts them. An apply that changes
// nothing may move these where the server fills in defaults in an atomic list, such as
// volumeClaimTemplates.
func content(object *unstructured.Unstructured) (string, error) {
	object = object.DeepCopy()
	object.SetResourceVersion("")
	entries := object.GetManagedFields()
	for i := range entries {
		entries[i].Time = nil
	}
	slices.SortFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
		return cmp.Or(cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Subresource, b.Subresource))
	})
	object.SetManagedFields(entries)
	text, err := json.MarshalIndent(object.Object, "", " ")
	return string(text), err
}

// reaches waits until the Service leads to these ports, and returns the ports that it
// leads to in the end: NAME:NUMBER, sorted.
func (c cluster) reaches(ctx context.Context, want []string) ([]string, error) {
	var reached []string
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		var err error
		if reached, err = c.plane.EndpointPorts(ctx, namespace, service); err != nil {
			return false, err
		}
		return differ(reached, want) == nil, nil
	})
	if err != nil && !wait.Interrupted(err) || ctx.Err() != nil {
		return nil, fmt.Errorf("reading where Service %s leads: %w", service, err)
	}
	return reached, nil
}
