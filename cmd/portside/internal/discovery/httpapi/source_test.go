package httpapi_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// pods are those of a workload.
type pods struct{ found []discovery.Pod }

// Find implements httpapi.Pods.
func (p *pods) Find(context.Context, discovery.Workload, intstr.IntOrString) ([]discovery.Pod, discovery.Readiness, error) {
	return p.found, discovery.Readiness{}, nil
}

// Forget implements httpapi.Pods.
func (*pods) Forget(types.UID) {}

// asksHTTP is an AdapterSet that names the HTTP API and a Secret.
func asksHTTP() *v1alpha1.AdapterSet {
	return &v1alpha1.AdapterSet{Spec: v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{
		Scheme: v1alpha1.SchemeHTTP, Path: "/api/v1/adapters", IntervalSeconds: new(int32(30)), TimeoutSeconds: new(int32(10)),
		CredentialsRef: &v1alpha1.CredentialsRef{Name: "access"}, LoginPath: "/api/v1/auth/login",
	}}}}
}

// sourceOf returns the source of such an AdapterSet, whose Secret has this data,
// and the pods that it asks.
func sourceOf(t *testing.T, data map[string]string) (discovery.Source, *pods) {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.CredentialsLabel: "true"}}, Data: map[string][]byte{},
	}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	p := &pods{}
	api := httpapi.New(httpapi.Options{AllowLoopback: true, Pods: p, Secret: func(context.Context, types.NamespacedName) (*corev1.Secret, error) {
		return secret, nil
	}})
	return mustSource(t, api, asksHTTP()), p
}

func mustSource(t *testing.T, api *httpapi.API, set *v1alpha1.AdapterSet) discovery.Source {
	t.Helper()
	source, err := api.Source(set)
	if source == nil || err != nil {
		t.Fatalf("the AdapterSet has the source %v: %v", source, err)
	}
	return source
}

// askAll asks all pods of a workload; each must answer.
func askAll(t *testing.T, source discovery.Source) {
	t.Helper()
	questions, _, err := source.Questions(t.Context(), discovery.Workload{UID: "files"})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		if _, err := q.Ask(t.Context()); err != nil {
			t.Errorf("pod %s: %v", q.Pod, err)
		}
	}
}

func TestSource(t *testing.T) {
	api := &httpapi.API{}
	t.Run("is equal for the same spec", func(t *testing.T) {
		if mustSource(t, api, asksHTTP()) != mustSource(t, api, asksHTTP()) {
			t.Error("two sources of one spec differ")
		}
	})
	t.Run("differs for another spec", func(t *testing.T) {
		for name, change := range map[string]func(*v1alpha1.HTTPDiscovery){
			"port":           func(h *v1alpha1.HTTPDiscovery) { h.Port = intstr.FromString("other") },
			"scheme":         func(h *v1alpha1.HTTPDiscovery) { h.Scheme = v1alpha1.SchemeHTTPS },
			"serverName":     func(h *v1alpha1.HTTPDiscovery) { h.ServerName = "other" },
			"path":           func(h *v1alpha1.HTTPDiscovery) { h.Path = "/other" },
			"interval":       func(h *v1alpha1.HTTPDiscovery) { h.IntervalSeconds = new(int32(31)) },
			"timeout":        func(h *v1alpha1.HTTPDiscovery) { h.TimeoutSeconds = new(int32(11)) },
			"expression":     func(h *v1alpha1.HTTPDiscovery) { h.Expression = "self.adapters" },
			"loginPath":      func(h *v1alpha1.HTTPDiscovery) { h.LoginPath = "/login" },
			"credentialsRef": func(h *v1alpha1.HTTPDiscovery) { h.CredentialsRef = nil },
		} {
			other := asksHTTP()
			change(other.Spec.Discovery.HTTP)
			if mustSource(t, api, other) == mustSource(t, api, asksHTTP()) {
				t.Errorf("another %s is the same source", name)
			}
		}
	})
	t.Run("is always polled", func(t *testing.T) {
		unset := asksHTTP()
		unset.Spec.Discovery.HTTP.IntervalSeconds = nil
		if got := mustSource(t, api, unset).Interval(); got < time.Second {
			t.Errorf("the interval is %s", got)
		}
	})
	t.Run("is none without spec.discovery.http", func(t *testing.T) {
		for _, set := range []*v1alpha1.AdapterSet{{}, {Spec: v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{}}}} {
			if source, err := api.Source(set); source != nil || err != nil {
				t.Errorf("got %v: %v", source, err)
			}
		}
	})
}
