package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

var withInitContainers = fixture.StatefulSet("dittofs", fixture.Container("dittofs"), fixture.Container("metrics"), fixture.Spec(`
template:
  metadata: {annotations: {kubectl.kubernetes.io/default-container: proxy}}
  spec:
    initContainers:
    - {name: proxy, image: "proxy:1", restartPolicy: Always, ports: [{name: smb, containerPort: 1445}]}
    - {name: setup, image: "setup:1"}`))

// TestContainerError applies ports to containers that portside does not manage:
// nothing is written, and the error has the reason.
func TestContainerError(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	before := cp.Manager(testenv.ArgoCD).In(ns).MustApply(t, withInitContainers)
	applier, err := applierFor(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		container string
		reason    workload.ContainerReason
		text      string
	}{
		"a native sidecar":   {"proxy", workload.ContainerIsInit, `container "proxy" is an init container or native sidecar; portside manages ports of spec.containers only; it has dittofs, metrics`},
		"an init container":  {"setup", workload.ContainerIsInit, `container "setup" is an init container or native sidecar`},
		"the default is one": {"", workload.ContainerIsInit, `container "proxy", which the annotation kubectl.kubernetes.io/default-container names, is an init container or native sidecar`},
		"no such container":  {"gone", workload.ContainerMissing, `container "gone" not found; it has dittofs, metrics`},
	} {
		t.Run(name, func(t *testing.T) {
			target := workload.Target{Kind: workload.StatefulSet, Namespace: ns, Name: dittofs}
			observed, err := applier.Get(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			desired := apply.Desired{Container: test.container, Adapters: []apply.Adapter{nfs}}
			_, fromServer := applier.Apply(t.Context(), target, desired)
			_, fromCache := applyFrom(t.Context(), applier, trimmed(observed, testenv.Portside), desired)
			for from, err := range map[string]error{"server": fromServer, "cache": fromCache} {
				var got *workload.ContainerError
				if !errors.As(err, &got) || got.Reason != test.reason || !strings.Contains(got.Error(), test.text) {
					t.Errorf("observed from the %s: error %v, want reason %s and %q", from, err, test.reason, test.text)
				}
			}
		})
	}
	after, err := cp.Manager(testenv.ArgoCD).Get(t.Context(), "StatefulSet", ns, dittofs)
	if err != nil || after.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("resourceVersion %s, was %s: %v", after.GetResourceVersion(), before.GetResourceVersion(), err)
	}
}
