package controller

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// TestFullPassesAreSpread: neither a restart nor a list that was full of changes
// has the server be asked for all targets at once, then or ever after.
func TestFullPassesAreSpread(t *testing.T) {
	t.Parallel()
	const period = 10 * time.Hour
	began := time.Now()
	for name, c := range map[string]struct {
		next        func() time.Duration
		least, most time.Duration
	}{
		"the first": {func() time.Duration {
			w := &work{reconciler: &reconciler{fullPass: period}, memory: &memory{}, now: began}
			w.scheduleFullPass()
			first := w.memory.fullPass
			w.scheduleFullPass()
			if !w.memory.fullPass.Equal(first) {
				t.Error("it was put off")
			}
			return first.Sub(began)
		}, time.Nanosecond, period},
		"those after it": {func() time.Duration { return jittered(period) }, period * 9 / 10, period * 11 / 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenths := map[int]bool{}
			for range 1000 {
				next := c.next()
				if next < c.least || next > c.most {
					t.Fatalf("%s is not between %s and %s", next, c.least, c.most)
				}
				tenths[int(10*(next-c.least)/(c.most-c.least+1))] = true
			}
			if len(tenths) != 10 {
				t.Errorf("of the tenths between %s and %s only %v has any of 1,000", c.least, c.most, tenths)
			}
		})
	}
}

// TestAnActionIsAsLongAsTheServerTakes: names of managers are up to 128 bytes
// long, of any letters.
func TestAnActionIsAsLongAsTheServerTakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ port, manager, want string }{
		"nothing":    {"", "", "SetPort"},
		"a port":     {"adapter-nfs 12049/TCP", "", "SetPort adapter-nfs 12049/TCP"},
		"of another": {"adapter-nfs 12049/TCP", "git", "SetPort adapter-nfs 12049/TCP git"},
		"a long one": {"nfs", strings.Repeat("m", 128), "SetPort nfs " + strings.Repeat("m", 116)},
		"not ASCII":  {"nfs", strings.Repeat("ü", 64), "SetPort nfs " + strings.Repeat("ü", 58)},
		"cut within": {"nfs1", strings.Repeat("ü", 64), "SetPort nfs1 " + strings.Repeat("ü", 57)},
	} {
		got := actionOf(status.Event{Port: c.port, Manager: c.manager})
		if got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: it is %q, not %q", name, got, c.want)
		}
	}
}
