package check_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/check"
)

// TestUnanswered says why no service handles a request, from the Lease.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	s := installed(t)
	set := &v1alpha1.AdapterSet{}
	set.Namespace, set.Status.FieldManager = "storage", s.options.FieldManager
	expect := func(name string, want ...string) {
		t.Helper()
		got, err := check.Unanswered(t.Context(), s.Config(), set)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %q", name, part, got)
			}
		}
	}
	lease, ns := "Lease "+s.options.Namespace+"/"+s.options.FieldManager, s.options.Namespace
	s.lease("pod-1_0a1b", 15, time.Now())
	expect("renewed", "pod-1_0a1b holds the "+lease, "--watch-namespace", "--selector", "kubectl logs -n "+ns+" pod-1")
	s.lease("pod-1_0a1b", 1, time.Now().Add(-time.Hour))
	expect("expired", lease+" is held by pod-1_0a1b, which no longer renews it", "run: portside check -n "+ns)
	s.lease("", 15, time.Now())
	expect("released", "no replica of portside holds the "+lease, "run: portside check -n "+ns)
	s.kubectl("", "delete", "lease", "-n", ns, s.options.FieldManager)
	expect("missing", "there is no Lease "+s.options.FieldManager, "run: portside check")
	user, err := s.User("tenant")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := check.Unanswered(t.Context(), user, set); err != nil || !strings.Contains(got, "you may not list Leases") {
		t.Errorf("%q, %v", got, err)
	}
}
