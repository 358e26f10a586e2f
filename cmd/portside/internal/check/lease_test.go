package check_test

import (
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

func TestLease(t *testing.T) {
	t.Parallel()
	s := installed(t)
	ns, name := s.options.Namespace, s.options.FieldManager
	object := "Lease " + ns + "/" + name
	log := "; see the Replicas check, and: kubectl logs -n " + ns + " -l app.kubernetes.io/instance=" + name
	t.Run("expired", func(t *testing.T) {
		s := s.in(t)
		s.lease("replica-1", 1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		s.expect("Error Lease " + object + ": held by replica-1, which no longer renews it (last at 2026-01-02T03:04:05Z), so AdapterSets are not reconciled" + log)
	})
	t.Run("renewed by a clock that is behind", func(t *testing.T) {
		s := s.in(t)
		s.expectAs(s.renewing(time.Now().Add(-time.Hour)))
	})
	t.Run("renewed by a clock that is ahead", func(t *testing.T) {
		s := s.in(t)
		s.expectAs(s.renewing(time.Now().Add(time.Hour)))
	})
	t.Run("released", func(t *testing.T) {
		s := s.in(t)
		s.lease("", 15, time.Now())
		s.expect("Error Lease " + object + ": no replica holds it, so AdapterSets are not reconciled" + log)
	})
	t.Run("missing", func(t *testing.T) {
		s := s.in(t)
		s.kubectl("", "delete", "lease", "-n", ns, name)
		s.expect("Error Lease " + object + ": not found, so no replica has led yet" + log)
	})
}

// renewing renews the Lease whenever it is read, by a clock that differs from this
// machine's. It returns the connection to read the Lease by.
func (s *site) renewing(at time.Time) *rest.Config {
	s.t.Helper()
	reads, leader := testenv.Is(testenv.VerbGet, "leases"), s.Manager("leader").In(s.options.Namespace)
	return s.Proxy(s.t, s.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		if !reads(r) {
			return
		}
		at = at.Add(time.Second)
		if _, err := leader.Apply(r.Context(), s.leaseOf("replica-1", 15, at)); err != nil {
			s.t.Error(err)
		}
	}}).Config()
}
