package discovery_test

import (
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestAnswerFailures counts the polls in a row that need action, up to MaxFailures,
// and begins again for another source.
func TestAnswerFailures(t *testing.T) {
	good, html := serve(t, dittofs.Adapters("nfs:12049")), serve(t, dittofs.Body("<html>"))
	play(t, func(t *testing.T, s *stage) {
		q := question("uid")
		s.Ask(files, q)
		expect := func(want int) {
			t.Helper()
			if a, _ := s.Answer(files); a.Failures != want {
				t.Errorf("%d failures, not %d: %+v", a.Failures, want, a)
			}
		}
		s.next(t, files, 1) // no pods, which ends without action
		expect(0)
		s.finder.finds(html)
		for i := range discovery.MaxFailures + 2 {
			s.next(t, files, 1)
			expect(min(i+1, discovery.MaxFailures))
		}
		s.finder.finds(good)
		s.next(t, files, 1)
		expect(0)
		s.finder.finds(html)
		s.next(t, files, 2)
		expect(2)
		q.HTTP.Path = "/other"
		s.Ask(files, q)
		expect(0)
		s.next(t, files, 1)
		expect(1)
	})
}
