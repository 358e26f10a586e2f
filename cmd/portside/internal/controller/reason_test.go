package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

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
