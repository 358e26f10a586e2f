package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// TestStatusStoresTheReasonOfAPort: programs read it.
func TestStatusStoresTheReasonOfAPort(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	static := "ports: [{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP}, {name: adapter-smb, containerPort: 445, protocol: TCP}]"
	mustApply(t, s.git, strings.Replace(statefulSet, "ports: [{name: api, containerPort: 8080, protocol: TCP}]", static, 1))
	mustApply(t, s.git, adapterSet(withNFSSMB, ""))
	want := []string{"adapter-nfs Shadowed DeclaredByOwner", "adapter-smb Blocked NameTaken"}
	testenv.Eventually(t, fmt.Sprintf("ports %q", want), func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		var got []string
		for _, p := range set.Status.Ports {
			got = append(got, p.Name+" "+p.State+" "+p.Reason)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
}

// TestStatusAdvisesAdoptionOfUpdatedPortsAlone: a manager that applies is to rename
// its port, and a port that was updated can be adopted.
func TestStatusAdvisesAdoptionOfUpdatedPortsAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(o *Options) { o.FieldManager = "files-ports" })
	const live = "ports: [{name: api, containerPort: 8080, protocol: TCP}"
	mustApply(t, s.git, strings.Replace(statefulSet, live, live+", {name: adapter-nfs, containerPort: 2049, protocol: TCP}", 1))
	s.rolledOut(t) // else the update races the controller's of the status
	if _, err := s.cp.Manager("operator").Update(t.Context(), "StatefulSet", s.ns, "files", func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, "server", "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}, {name: adapter-smb, containerPort: 445}]")
	}); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s.git, adapterSet(withNFSSMB, "container: server"))
	want := "adapter-nfs (12049/TCP): the name adapter-nfs is held by git (Apply) on 2049/TCP; rename port 2049/TCP in git's manifest; " +
		"adapter-smb (1445/TCP): the name adapter-smb is held by operator (Update) on 445/TCP; rename that port; " +
		"or, if operator no longer writes ports, run portside adopt -n " + s.ns + " statefulset/files -c server --from operator --field-manager files-ports"
	if message := s.expect(t, "Stalled", "True", "Conflicting"); message != want {
		t.Errorf("the message is %q, want %q", message, want)
	}
	s.expectEvents(t, "StatefulSet", "PortBlocked", "rename port 2049/TCP in git's manifest")
}
