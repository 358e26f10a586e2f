package cache

import (
	"context"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Options configure what is cached.
type Options struct {
	// Namespace is the only one that is cached; all when empty.
	Namespace string
	// Selector chooses AdapterSets by their labels; all when nil. Workloads and pods
	// need no such label.
	Selector labels.Selector
	// Services has Services cached.
	Services bool
	// FieldManager is the one that decisions about cached workloads are made for;
	// [apply.DefaultFieldManager] when empty.
	FieldManager string
}

// ForManager returns the options of the manager's cache.
func (o Options) ForManager() ctrlcache.Options {
	var inNamespace fields.Selector // makes each informer list and watch this namespace alone
	if o.Namespace != "" {
		inNamespace = fields.OneTermEqualSelector("metadata.namespace", o.Namespace)
	}
	options := ctrlcache.Options{
		ByObject: map[client.Object]ctrlcache.ByObject{
			&v1alpha1.AdapterSet{}: {Label: o.Selector, Transform: trimAdapterSet},
			&corev1.Pod{}:          {Transform: trimPod},
		},
		DefaultFieldSelector: inNamespace,
		// Nothing here changes a cached object.
		DefaultUnsafeDisableDeepCopy: new(true),
		DefaultWatchErrorHandler:     watchError,
	}
	for _, d := range o.definitions() {
		options.ByObject[d.New()] = ctrlcache.ByObject{Transform: o.trimWorkload}
	}
	return options
}

// definitions returns those of the kinds of targets that are cached.
func (o Options) definitions() []*workload.Definition {
	if o.Services {
		return append(workload.Definitions(), workload.ServiceDefinition())
	}
	return workload.Definitions()
}

// NewMapper returns a mapper of the kinds that the service reads and writes. It asks
// the API server nothing, so that a CustomResourceDefinition that is missing is an
// error of the watch, which is retried.
func NewMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	kinds := []schema.GroupVersionKind{
		v1alpha1.GroupVersion.WithKind("AdapterSet"), appsv1.SchemeGroupVersion.WithKind("ReplicaSet"),
		corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("Secret"), corev1.SchemeGroupVersion.WithKind("Service"),
	}
	for _, d := range workload.Definitions() {
		kinds = append(kinds, d.GroupVersion().WithKind(d.Kind.Kind))
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range kinds {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return mapper, nil
}

// watchError logs why a watch ended. For a resource that the API server does not
// serve, which can only be AdapterSets, it logs what to do.
func watchError(ctx context.Context, r *toolscache.Reflector, err error) {
	if apierrors.IsNotFound(err) {
		err = fmt.Errorf("%w; install the CustomResourceDefinition of AdapterSets, which portside install prints", err)
	}
	toolscache.DefaultWatchErrorHandler(ctx, r, err)
}
