package v1alpha1_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// TestAdaptersNoneIsNotAbsent keeps an empty list apart from none at all, in both
// ways that clients write objects: of a set that used discovery before, an empty
// list removes the ports, and no list does not.
func TestAdaptersNoneIsNotAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		adapters []v1alpha1.Adapter
		written  bool
	}{
		"absent": {nil, false},
		"none":   {[]v1alpha1.Adapter{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			set := &v1alpha1.AdapterSet{Spec: v1alpha1.AdapterSetSpec{Adapters: c.adapters}}
			text, err := json.Marshal(set)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(text), `"adapters":[]`); got != c.written {
				t.Errorf("JSON is %s", text)
			}
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(set)
			if err != nil {
				t.Fatal(err)
			}
			if _, got := object["spec"].(map[string]any)["adapters"]; got != c.written {
				t.Errorf("unstructured is %v", object)
			}
			if got := set.DeepCopy().Spec.Adapters != nil; got != c.written {
				t.Error("a deep copy differs")
			}
		})
	}
}

func TestAddToScheme(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"AdapterSet", "AdapterSetList"} {
		if !scheme.Recognizes(v1alpha1.GroupVersion.WithKind(kind)) {
			t.Errorf("%s is not known", kind)
		}
	}
}
