package expression_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// TestEvaluateBounds evaluates expressions that would take minutes, or more memory than
// there is. It is not parallel: it counts what the process allocates.
func TestEvaluateBounds(t *testing.T) { //nolint:paralleltest // see above
	doubled := "[self].exists(x0, %s)"
	for i := 1; i <= 60; i++ {
		doubled = fmt.Sprintf(doubled, fmt.Sprintf("[[x%[1]d, x%[1]d]].exists(x%[2]d, %%s)", i-1, i))
	}
	const size = 128 << 10
	numbers := `{"l": [` + strings.Repeat("0,", size/2-10) + `0]}`
	text := `{"l": [` + strings.Repeat("0,", size/4-10) + `0], "t": "` + strings.Repeat("x", size/2-10) + `"}`
	for name, c := range map[string]struct{ text, answer string }{
		"comparison of lists in lists":  {"self.filter(l, " + fmt.Sprintf(doubled, "x60 == x60") + ")", "[1]"},
		"membership of lists in lists":  {"self.filter(l, " + fmt.Sprintf(doubled, "x60 in [x60, x60]") + ")", "[1]"},
		"lists that double":             {"[self]" + strings.Repeat(".map(x, x + x)", 60) + "[0]", "[1]"},
		"texts that double":             {"[self.t]" + strings.Repeat(".map(x, x + x)", 60) + ".map(x, {'type': x})", text},
		"nested loops":                  {"self.l.filter(a, self.l.all(b, self.l.all(c, c == 0)))", numbers},
		"a comparison for each element": {"self.l.filter(x, self == self)", numbers},
		"a membership for each element": {"self.l.filter(x, 1 in self.l)", numbers},
		"a long text for each element":  {"self.l.filter(x, self.t.upperAscii() == 'X')", text},
		"a split for each element":      {"self.l.filter(x, self.t.split('').size() == 1)", text},
		"a list of long texts":          {"self.l.map(x, {'type': self.t})", text},
		"the answer in each element":    {"self.l.map(x, {'type': self})", numbers},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // see above
			const mostBytes = 32 << 20
			program := compile(t, c.text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := program.Evaluate(t.Context(), []byte(c.answer), "type")
			runtime.ReadMemStats(&after)
			if !errors.Is(err, expression.ErrTooExpensive) {
				t.Errorf("got the error %v", err)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > mostBytes {
				t.Errorf("allocated %d bytes", allocated)
			}
		})
	}
}

// TestEvaluateLength bounds the result of an expression whose evaluation is cheap.
func TestEvaluateLength(t *testing.T) {
	t.Parallel()
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`{"type":"a"},`, n), ",") + "]" }
	for n, want := range map[int]string{
		expression.MaxElements:     "",
		expression.MaxElements + 1: "the result has more than 4096 elements",
	} {
		if _, err := compile(t, "self").Evaluate(t.Context(), []byte(list(n)), "type"); fmt.Sprint(err) != want && (err != nil || want != "") {
			t.Errorf("%d elements: %v", n, err)
		}
	}
	long := `{"t": "` + strings.Repeat("x", 70<<10) + `"}`
	if _, err := compile(t, "[{'type': self.t}, {'type': self.t}]").Evaluate(t.Context(), []byte(long), "type"); err == nil || err.Error() != "the result is longer than 131072 bytes" {
		t.Errorf("a long result: %v", err)
	}
}

// TestEvaluateContext ends evaluations, and waits for a place, with the context.
func TestEvaluateContext(t *testing.T) {
	t.Parallel()
	program := compile(t, "self.filter(a, self.all(b, b == 0))")
	ended, end := context.WithCancel(t.Context())
	end()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if _, err := program.Evaluate(ended, []byte("["+strings.Repeat("0,", 5000)+"0]"), "type"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
	running.Wait()
}

// TestEvaluateConcurrently evaluates one program in several goroutines.
func TestEvaluateConcurrently(t *testing.T) {
	t.Parallel()
	program := compile(t, "self.map(l, {'type': l.name, 'port': l.port})")
	var running sync.WaitGroup
	for i := range 16 {
		running.Go(func() {
			got, err := program.Evaluate(t.Context(), fmt.Appendf(nil, `[{"name": "a", "port": %d}]`, i), "type", "port")
			if want := fmt.Sprintf(`[{"port":%d,"type":"a"}]`, i); err != nil || string(got) != want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	running.Wait()
}
