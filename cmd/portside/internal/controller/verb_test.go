package controller

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

const (
	statefulSets = "/apis/apps/v1/namespaces/storage/statefulsets"
	adapterSets  = "/apis/portside.dev/v1alpha1/adaptersets"
)

// TestVerb: what the service asks of the API server, by the verb that RBAC would
// have to grant for it, and applies apart.
func TestVerb(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, uri, contentType, want string }{
		"one object":                   {http.MethodGet, statefulSets + "/files", "", "get"},
		"one object of the core":       {http.MethodGet, "/api/v1/namespaces/storage/secrets/files", "", "get"},
		"a namespace":                  {http.MethodGet, "/api/v1/namespaces/storage", "", "get"},
		"a head of an object":          {http.MethodHead, statefulSets + "/files", "", "get"},
		"a subresource":                {http.MethodGet, statefulSets + "/files/scale", "", "get"},
		"objects of a namespace":       {http.MethodGet, statefulSets, "", "list"},
		"objects of all namespaces":    {http.MethodGet, adapterSets + "?limit=500", "", "list"},
		"namespaces":                   {http.MethodGet, "/api/v1/namespaces", "", "list"},
		"a watch":                      {http.MethodGet, adapterSets + "?watch=true&resourceVersion=7", "", "watch"},
		"a watch of one namespace":     {http.MethodGet, "/api/v1/namespaces/storage/pods?watch=1", "", "watch"},
		"no watch":                     {http.MethodGet, adapterSets + "?watch=false", "", "list"},
		"an event":                     {http.MethodPost, "/apis/events.k8s.io/v1/namespaces/storage/events", "", "create"},
		"a Lease":                      {http.MethodPut, "/apis/coordination.k8s.io/v1/namespaces/system/leases/portside", "", "update"},
		"an apply":                     {http.MethodPatch, statefulSets + "/files", string(types.ApplyYAMLPatchType), "apply"},
		"an apply in CBOR":             {http.MethodPatch, statefulSets + "/files", string(types.ApplyCBORPatchType), "apply"},
		"an apply with a parameter":    {http.MethodPatch, statefulSets + "/files", string(types.ApplyYAMLPatchType) + "; charset=utf-8", "apply"},
		"an apply of a status":         {http.MethodPatch, "/apis/portside.dev/v1alpha1/namespaces/storage/adaptersets/files/status", string(types.ApplyYAMLPatchType), "apply"},
		"a JSON patch":                 {http.MethodPatch, statefulSets + "/files", string(types.JSONPatchType), "patch"},
		"a merge patch":                {http.MethodPatch, statefulSets + "/files", string(types.MergePatchType), "patch"},
		"a deletion":                   {http.MethodDelete, statefulSets + "/files", "", "delete"},
		"a deletion of all":            {http.MethodDelete, statefulSets, "", "deletecollection"},
		"what groups there are":        {http.MethodGet, "/apis", "", "get"},
		"what a version has":           {http.MethodGet, "/apis/apps/v1", "", "get"},
		"what the core's version has":  {http.MethodGet, "/api/v1", "", "get"},
		"health":                       {http.MethodGet, "/healthz", "", "get"},
		"the API server's version":     {http.MethodGet, "/version", "", "get"},
		"a watch as nobody sends them": {http.MethodGet, "/api/v1/watch", "", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.uri, http.NoBody)
			r.Header.Set("Content-Type", c.contentType)
			if got := verb(r); got != c.want {
				t.Errorf("%s %s (%s) is %q, want %q", c.method, c.uri, c.contentType, got, c.want)
			}
		})
	}
}

// TestRequestsAreCountedByVerb also when they fail: they were sent.
func TestRequestsAreCountedByVerb(t *testing.T) {
	t.Parallel()
	s := newMeasures()
	counting := s.count(roundTripper(func(*http.Request) (*http.Response, error) { return nil, http.ErrHandlerTimeout }))
	for range 2 {
		answer, err := counting.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, adapterSets, http.NoBody))
		if err == nil {
			_ = answer.Body.Close()
			t.Error("the error of what is counted is lost")
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.requests)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || len(families[0].GetMetric()) != 1 {
		t.Fatalf("%v: %v", families, err)
	}
	m := families[0].GetMetric()[0]
	if label := m.GetLabel()[0]; label.GetName() != "verb" || label.GetValue() != "list" || m.GetCounter().GetValue() != 2 {
		t.Errorf("two lists were counted as %v", m)
	}
}
