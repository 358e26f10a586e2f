package controller

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestPortReason checks the reasons of ports in status, which programs read.
func TestPortReason(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, workloadWith("StatefulSet", "files", []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-smb:445/TCP"}))
	s.git.MustApply(t, adapterSet(withNFSSMB))
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

// TestAdoptionAdvice: a manager that applies should rename its port; a port that was
// written by an Update can be adopted.
func TestAdoptionAdvice(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(o *Options) { o.FieldManager = "files-ports" })
	s.git.MustApply(t, workloadWith("StatefulSet", "files", []string{"api:8080/TCP", "adapter-nfs:2049/TCP"}))
	s.waitRolledOut(t) // else the update races the controller's of the status
	if _, err := s.cp.Manager("operator").Update(t.Context(), "StatefulSet", s.ns, "files", func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, "server", "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}, {name: adapter-smb, containerPort: 445}]")
	}); err != nil {
		t.Fatal(err)
	}
	s.git.MustApply(t, adapterSet(withNFSSMB, fixture.Spec("container: server")))
	want := "adapter-nfs (12049/TCP): the name adapter-nfs is held by git (Apply) on 2049/TCP; rename port 2049/TCP in git's manifest; " +
		"adapter-smb (1445/TCP): the name adapter-smb is held by operator (Update) on 445/TCP; rename that port; " +
		"or, if operator no longer writes ports, run portside adopt -n " + s.ns + " statefulset/files -c server --from operator --field-manager files-ports"
	if message := s.expect(t, "Stalled", "True", "Conflicting"); message != want {
		t.Errorf("the message is %q, want %q", message, want)
	}
	s.expectEvents(t, "StatefulSet", "PortBlocked", "rename port 2049/TCP in git's manifest")
}
