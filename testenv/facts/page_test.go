package facts_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/facts"
)

// TestPage compares README.md with the page of the table and the results.
func TestPage(t *testing.T) {
	t.Parallel()
	releases, err := facts.ReadReleases("results")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != facts.Page(releases) {
		t.Error("README.md is not the page of the table and the results; run `make generate`")
	}
}

// TestPage_differs shows a fact that differs on one release.
func TestPage_differs(t *testing.T) {
	t.Parallel()
	older, newer := resultsOf(facts.All()), resultsOf(facts.All())
	older[2] = facts.Result{Fact: older[2].Fact, Outcome: facts.Differs, How: "accepted, want 409|422"}
	page := facts.Page([]facts.Release{{Version: "1.35.4", Results: older}, {Version: "1.36.3", Results: newer}})
	want := `| [3: Applied order wins](#3-applied-order-wins) | **differs**: accepted, want 409\|422 | holds |`
	if !strings.Contains(page, want) {
		t.Errorf("no line %q in\n%s", want, page)
	}
}

func TestReadRun(t *testing.T) {
	t.Parallel()
	all := facts.All()
	for name, test := range map[string]struct {
		events string // after those of passing tests
		want   facts.Result
	}{
		"holds": {"", facts.Result{Outcome: facts.Holds}},
		"differs in a case": {
			`{"Action":"output","Test":"%[1]s/case","Output":"    x_test.go:7: step 4: accepted\n"}
			{"Action":"fail","Test":"%[1]s/case"} {"Action":"fail","Test":"%[1]s"}`,
			facts.Result{Outcome: facts.Differs, How: "step 4: accepted"},
		},
		"differs in its reproducer": {
			`{"Action":"output","Test":"TestReproducers/%[2]s","Output":"    x_test.go:7: no line 2\n"} {"Action":"fail","Test":"TestReproducers/%[2]s"}`,
			facts.Result{Outcome: facts.Differs, How: "no line 2"},
		},
		"is not asked": {
			`{"Action":"output","Test":"%[1]s/case","Output":"    x_test.go:7: no pods\n"} {"Action":"skip","Test":"%[1]s/case"}`,
			facts.Result{Outcome: facts.NotAsked, How: "no pods"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := passed(all)
			if test.events != "" {
				run += fmt.Sprintf(test.events, all[1].Test(), strings.TrimPrefix(all[1].Test(), "Test"))
			}
			results, err := facts.ReadRun(strings.NewReader(run))
			if err != nil {
				t.Fatal(err)
			}
			test.want.Fact = all[1].Test()
			if len(results) != len(all) || results[1] != test.want || results[0].Outcome != facts.Holds {
				t.Errorf("results %v, want the second to be %v", results, test.want)
			}
		})
	}
	t.Run("lacks a fact", func(t *testing.T) {
		t.Parallel()
		if _, err := facts.ReadRun(strings.NewReader(passed(all[1:]))); err == nil || !strings.Contains(err.Error(), all[0].Test()) {
			t.Errorf("error %v, want one that names %s", err, all[0].Test())
		}
	})
}

// passed returns the events of passing tests of these facts.
func passed(of []facts.Fact) string {
	events := `{"Action":"start"} {"Action":"pass","Test":"TestTable"}`
	for _, fact := range of {
		events += fmt.Sprintf(`{"Action":"pass","Test":%q}`, fact.Test())
	}
	return events
}

func resultsOf(of []facts.Fact) []facts.Result {
	var results []facts.Result
	for _, fact := range of {
		results = append(results, facts.Result{Fact: fact.Test(), Outcome: facts.Holds})
	}
	return results
}
