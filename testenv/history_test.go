package testenv_test

import (
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	owner := cp.Manager(testenv.ArgoCD).In(ns)
	history := cp.Record(t, "StatefulSet", ns, dittofs) // before it exists
	scenario(
		argoCD(static),
		applyPorts(adapterNFS), applyPorts(adapterNFS),
	).RunIn(t, cp, ns)
	patch(t, owner, "StatefulSet", ns, `{"metadata":{"labels":{"only":"metadata"}}}`)
	patch(t, owner, "StatefulSet", ns, `{"spec":{"replicas":0}}`)

	stored := history.Stored(t)
	if len(stored) != 3 || testenv.TemplateChanges(stored) != 1 {
		t.Fatalf("%+v: want three generations, the second with another template", stored)
	}
	wantPorts := [][]string{
		{"api:8080/TCP", "nfs:2049/TCP"},
		{"api:8080/TCP", "nfs:2049/TCP", "adapter-nfs:12049/TCP"},
		{"api:8080/TCP", "nfs:2049/TCP", "adapter-nfs:12049/TCP"},
	}
	for i, generation := range stored {
		if generation.Generation != int64(i+1) || generation.NewTemplate != (i == 1) {
			t.Errorf("generation %d of %d, new template: %t", generation.Generation, i+1, generation.NewTemplate)
		}
		if !slices.Equal(generation.Ports[dittofs], wantPorts[i]) {
			t.Errorf("generation %d has ports %q, want %q", i+1, generation.Ports[dittofs], wantPorts[i])
		}
		if got := generation.StaticPorts(dittofs); !slices.Equal(got, wantPorts[0]) {
			t.Errorf("generation %d has static ports %q, want %q", i+1, got, wantPorts[0])
		}
	}

	scenario(testenv.Delete{Manager: testenv.ArgoCD}, testenv.Expect{Gone: true}, argoCD(static)).RunIn(t, cp, ns)
	again := history.Stored(t)
	if len(again) != 4 || again[3].UID == again[2].UID || again[3].Generation != 1 || again[3].NewTemplate {
		t.Errorf("%+v: want a fourth generation, of a new object", again)
	}
}
