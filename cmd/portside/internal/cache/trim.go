package cache

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// trimAdapterSet drops metadata that is not read here. Annotations may hold a copy
// of the whole object, and managedFields are its longest part.
func trimAdapterSet(object any) (any, error) {
	set, ok := object.(*v1alpha1.AdapterSet)
	switch {
	case !ok:
		return nil, fmt.Errorf("%T is not an AdapterSet", object)
	case isTrimmed(set):
		return set, nil
	}
	trimmed := &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         set.Namespace,
			Name:              set.Name,
			UID:               set.UID,
			ResourceVersion:   set.ResourceVersion,
			Generation:        set.Generation,
			CreationTimestamp: set.CreationTimestamp,
			DeletionTimestamp: set.DeletionTimestamp,
			Finalizers:        set.Finalizers,
			Annotations:       trimmedAnnotations(set.Annotations),
		},
		Spec: set.Spec, Status: set.Status,
	}
	trimmed = trimmed.DeepCopy() // a copy has lists without spare capacity
	share(trimmed)
	return trimmed, nil
}

// isTrimmed reports whether there is nothing to drop: informers transform what they list
// twice.
func isTrimmed(set *v1alpha1.AdapterSet) bool {
	return set.ManagedFields == nil && set.Labels == nil && set.OwnerReferences == nil &&
		maps.Equal(set.Annotations, trimmedAnnotations(set.Annotations))
}

// share has strings that many AdapterSets have the same in memory once.
func share(set *v1alpha1.AdapterSet) {
	spec, status := &set.Spec, &set.Status
	texts := []*string{
		&set.Namespace, &spec.TargetRef.APIVersion, &spec.TargetRef.Kind, &spec.Container, &status.FieldManager,
	}
	for i := range spec.Adapters {
		texts = append(texts, &spec.Adapters[i].Type)
	}
	if status.Target != nil {
		texts = append(texts, &status.Target.Container)
	}
	for i := range status.Ports {
		p := &status.Ports[i]
		texts = append(texts, &p.Type, &p.Name, &p.Protocol, &p.State, &p.Reason, &p.Message)
		for j := range p.Owners {
			texts = append(texts, &p.Owners[j].Manager, (*string)(&p.Owners[j].Operation))
		}
	}
	for i := range status.Conditions {
		c := &status.Conditions[i]
		texts = append(texts, &c.Type, (*string)(&c.Status), &c.Reason, &c.Message)
	}
	for _, text := range texts {
		*text = shared(*text)
	}
}

// maxRequestedAt is how many bytes of [v1alpha1.RequestedAtAnnotation] are kept.
const maxRequestedAt = 64

// trimmedAnnotations returns the one annotation that portside reads, nil without it.
func trimmedAnnotations(annotations map[string]string) map[string]string {
	at, requested := annotations[v1alpha1.RequestedAtAnnotation]
	if !requested {
		return nil
	}
	return map[string]string{v1alpha1.RequestedAtAnnotation: strings.Clone(at[:min(len(at), maxRequestedAt)])}
}

// object is what the cache keeps of a workload: the fields that decisions depend on. It
// has no metadata but what informers need, see noMetadata.
type object struct {
	metav1.Object // noMetadata
	workload      *workload.Workload
}

// noMetadata is the rest of the metadata of every object, so that none has memory for it.
var noMetadata metav1.Object = &metav1.ObjectMeta{}

// GetNamespace implements metav1.Object, as the following methods do.
func (o *object) GetNamespace() string { return o.workload.Namespace }

// GetName returns the name of the workload.
func (o *object) GetName() string { return o.workload.Name }

// GetUID returns the UID of the workload.
func (o *object) GetUID() types.UID { return o.workload.UID }

// GetResourceVersion returns the version of the workload.
func (o *object) GetResourceVersion() string { return o.workload.ResourceVersion }

// GetObjectKind makes it a [client.Object], as DeepCopyObject does.
func (o *object) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject returns a copy with the same workload, which is never changed.
func (o *object) DeepCopyObject() runtime.Object {
	c := *o
	return &c
}

// trimWorkload returns the object for one of the API's types.
func (o Options) trimWorkload(from any) (any, error) {
	switch from := from.(type) {
	case *object:
		return from, nil
	case workload.Object:
		w, err := workload.ReadTrimmed(from, cmp.Or(o.FieldManager, apply.DefaultFieldManager))
		if err != nil {
			return nil, err
		}
		return &object{Object: noMetadata, workload: w}, nil
	}
	return nil, fmt.Errorf("%T is not a workload", from)
}
