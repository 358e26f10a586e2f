package cli

import (
	"context"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/portside-dev/portside/apply/workload"
)

// served is what kubectl's resource builder needs to find objects of any kind. Discovery
// is asked at most once, and not for the kinds that portside knows.
type served struct {
	config    *rest.Config
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
}

// served returns what the cluster serves. Its requests end with the context: the builder
// gives its own none.
func (s *Session) served(ctx context.Context) (*served, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return endsWith{ctx, next} })
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, s.ConnectionError(err)
	}
	cached := memory.NewMemCacheClient(client)
	serves := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, func(warning string) { s.Messages.Warn("%s", warning) })
	return &served{config, cached, meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{knownKinds(), serves}}}, nil
}

// knownKinds maps the kinds whose ports portside manages.
func knownKinds() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, d := range workload.TargetDefinitions() {
		version := d.GroupVersion()
		mapper.AddSpecific(version.WithKind(d.Kind.Kind), version.WithResource(d.Resource), version.WithResource(singular(d)), meta.RESTScopeNamespace)
	}
	return mapper
}

// ToRESTConfig implements [resource.RESTClientGetter].
func (s *served) ToRESTConfig() (*rest.Config, error) { return s.config, nil }

// ToDiscoveryClient implements [resource.RESTClientGetter].
func (s *served) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return s.discovery, nil
}

// ToRESTMapper implements [resource.RESTClientGetter].
func (s *served) ToRESTMapper() (meta.RESTMapper, error) { return s.mapper, nil }

// resourceWord returns the word of an argument for a kind as the mapper reads it: for a
// kind that portside knows its resource with version and group, since kubectl's short
// names are the server's.
func resourceWord(word string) string {
	if d, known := kindOf(word); known {
		return d.Resource + "." + d.Version + "." + d.Kind.Group
	}
	return word
}

// resourceOf returns the resource that a word for a kind means.
func (s *served) resourceOf(word string) (schema.GroupVersionResource, bool) {
	full, group := schema.ParseResourceArg(resourceWord(word))
	if full == nil {
		version := group.WithVersion("")
		full = &version
	}
	resource, err := s.mapper.ResourceFor(*full)
	return resource, err == nil
}

// isClusterScoped reports whether objects of a resource have no namespace.
func (s *served) isClusterScoped(resource schema.GroupVersionResource) bool {
	kind, err := s.mapper.KindFor(resource)
	if err != nil {
		return false
	}
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	return err == nil && mapping.Scope.Name() == meta.RESTScopeNameRoot
}

// endsWith ends requests with a context, in addition to their own.
type endsWith struct {
	ctx  context.Context
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (e endsWith) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	context.AfterFunc(e.ctx, cancel)
	return e.next.RoundTrip(request.WithContext(ctx))
}

// WrappedRoundTripper lets client-go cancel requests below this one.
func (e endsWith) WrappedRoundTripper() http.RoundTripper { return e.next }
