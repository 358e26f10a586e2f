package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// TestShortRun expects the exact figures, which do not depend on the machine, in a
// short run.
func TestShortRun(t *testing.T) {
	crd, err := testenv.ModuleFile(portside.CRD)
	if err != nil {
		t.Fatal(err)
	}
	o := options{repeats: 1, reconciles: 5, targets: sizes{10}, binary: portside.BuildFor(t).Path, crd: crd}
	r, err := measure(t.Context(), testenv.Shared(t), o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Expectations {
		if e.Exact && !e.Met {
			t.Errorf("%s: %s, want %s", e.Text, e.Figure, e.Bound)
		}
	}
	checkSent(t, r)
	for line := range strings.Lines(r.table()) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 80 {
			t.Errorf("%d columns: %s", width, line)
		}
	}
	var out strings.Builder
	if err := r.write(&out, "json"); err != nil {
		t.Error(err)
	}
	if !json.Valid([]byte(out.String())) {
		t.Errorf("not JSON: %s", out.String())
	}
}

// checkSent expects the requests of each way for a change, and for none.
func checkSent(t *testing.T, r *report) {
	t.Helper()
	for _, want := range []struct {
		way                       string
		requests, dryRuns, writes float64
		unchanged                 float64 // requests without a change
	}{
		{wayPortside, 2, 0, 1, 2},
		{wayReadModifyWrite, 3, 0, 1, 1},
		{wayCreateOrPatch, 2, 0, 1, 1},
		{wayFlux, 3, 1, 1, 2},
		{wayBare, 1, 0, 1, 1},
	} {
		change := func(figure string) stat { return r.Scenarios[0].figure(figure).of(want.way).Value }
		if !exactly(change(figRequests), want.requests) || !exactly(change(figDryRuns), want.dryRuns) || !exactly(change(figAttempts), want.writes) {
			t.Errorf("%s, a change: %v requests, %v dry runs, %v attempts, want %+v",
				want.way, change(figRequests), change(figDryRuns), change(figAttempts), want)
		}
		if got := r.Scenarios[1].figure(figRequests).of(want.way).Value; !exactly(got, want.unchanged) {
			t.Errorf("%s, no change: %v requests, want %v", want.way, got, want.unchanged)
		}
	}
}

// TestFewest expects that portside is compared with each way but the bare PATCH.
func TestFewest(t *testing.T) {
	t.Parallel()
	sent := func(portside, flux, bare float64) outcome {
		return outcome{Figures: []comparison{{Figure: figBytes, Ways: []wayValue{
			{Way: wayPortside, Value: stat{portside, portside, portside}},
			{Way: wayFlux, Value: stat{flux, flux, flux}},
			{Way: wayBare, Value: stat{bare, bare, bare}},
		}}}}
	}
	for _, c := range []struct {
		name                 string
		portside, flux, bare float64
		met                  bool
	}{
		{"fewer than another way", 341, 602, 307, true},
		{"as many as another way", 602, 602, 307, true},
		{"more than another way", 603, 602, 700, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if e := sent(c.portside, c.flux, c.bare).fewest(1, "fewest bytes", figBytes); e.Met != c.met || !e.Exact {
				t.Errorf("%+v, want met: %t", e, c.met)
			}
		})
	}
}

// TestVerdict expects that only an exact expectation fails the run.
func TestVerdict(t *testing.T) {
	slow := report{Expectations: []expectation{atMost("time", 1.5, mostPure, false)}}
	var out strings.Builder
	if err := slow.write(&out, "table"); err != nil || !strings.Contains(out.String(), "NOT MET") {
		t.Errorf("a time over its bound: %v\n%s", err, &out)
	}
	large := report{Expectations: []expectation{atMost("bytes", 0.3, mostBytes, true)}}
	if err := large.write(&out, "table"); !errors.Is(err, errNotMet) {
		t.Errorf("bytes over their bound: %v", err)
	}
}

// TestExactly expects that a repeat that differs in one request is not exact.
func TestExactly(t *testing.T) {
	if !exactly(statOf([]float64{1, 1, 1}), 1) || exactly(statOf([]float64{1, 1.02, 1}), 1) {
		t.Error("want exactly one in every repeat")
	}
}

func TestStatOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   stat
	}{
		{[]float64{3}, stat{3, 3, 3}},
		{[]float64{5, 1, 3}, stat{3, 1, 5}},
		{[]float64{4, 1, 2, 3}, stat{2.5, 1, 4}},
	} {
		if got := statOf(c.values); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.values, got, c.want)
		}
	}
}

// ten creates the workload with ten managedFields entries on a real API server.
func ten(b *testing.B) pure {
	b.Helper()
	client, err := kubernetes.NewForConfig(testenv.Shared(b).Config())
	if err != nil {
		b.Fatal(err)
	}
	stored, err := tenOwners(b.Context(), client)
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPure(stored)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkReadAlone(b *testing.B) { benchmark(ten(b).readAlone)(b) }
func BenchmarkDecode(b *testing.B)    { benchmark(ten(b).decode)(b) }
func BenchmarkDecide(b *testing.B)    { benchmark(ten(b).decide)(b) }

// TestParse expects that relative paths are found from the repository's root, since
// go -C runs the bench in its own folder.
func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--binary", "bin/portside", "--targets", "100,1000"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.crd); err != nil {
		t.Errorf("the default of --crd: %v", err)
	}
	if !slices.Equal(o.targets, sizes{100, 1000}) {
		t.Errorf("--targets 100,1000 is %v", o.targets)
	}
	want, err := filepath.Abs("../../bin/portside")
	if err != nil {
		t.Fatal(err)
	}
	if o.binary != want {
		t.Errorf("--binary bin/portside is %s, want %s", o.binary, want)
	}
}
