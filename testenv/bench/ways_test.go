package main

import (
	"net/http"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// TestWays_concurrentChange has another manager change the image of the container
// between the read and the write of each way. All but CreateOrPatch keep the change.
func TestWays_concurrentChange(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	admin, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range constructors {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const image = "registry.example.com/storage/dittofs:changed"
			name := "concurrent-" + workloadOf(c.name)
			if err := create(t.Context(), admin, name, always); err != nil {
				t.Fatal(err)
			}
			change := sync.OnceValue(func() error {
				_, err := admin.AppsV1().StatefulSets(namespace).Patch(t.Context(), name, types.StrategicMergePatchType,
					[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"`+container+`","image":"`+image+`"}]}}}}`),
					metav1.PatchOptions{FieldManager: "image-updater"})
				return err
			})
			config := cp.Config()
			config.Wrap(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(request *http.Request) (*http.Response, error) {
					if request.Method != http.MethodGet && !isDryRun(request) {
						if err := change(); err != nil {
							return nil, err
						}
					}
					return next.RoundTrip(request)
				})
			})
			reconcile, err := c.new(config, name)
			if err != nil {
				t.Fatal(err)
			}
			if changed, err := reconcile(t.Context(), adapters(0)); err != nil || !changed {
				t.Fatalf("changed %t, %v", changed, err)
			}
			live, err := get(t.Context(), admin, name)
			if err != nil {
				t.Fatal(err)
			}
			kept := live.Spec.Template.Spec.Containers[0].Image == image
			if want := c.name != wayCreateOrPatch; kept != want {
				t.Errorf("kept the other manager's change: %t, want %t", kept, want)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
