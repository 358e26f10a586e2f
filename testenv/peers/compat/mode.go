package compat

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Mode is one way in which a tool brings commits to a cluster.
type Mode struct {
	Tool, Mode string
	// Set is what to set or to avoid, for the row.
	Set string
	// Sync brings the commit to the cluster as the tool does. Its error is what the
	// user reads.
	Sync func(s *Site, c Commit) error
	// Compare is the tool's own comparison of the cluster with the commit that it
	// synced last; nil if it has none.
	Compare func(s *Site, c Commit) (inSync bool, err error)
	// Replace is Sync with the tool's option to replace or recreate objects, and
	// Switch names the option. They are nil and empty if it has none.
	Replace func(s *Site, c Commit) error
	Switch  string
	// ByNumber reports that the tool sends what changed since its last sync and
	// merges ports by number alone. In a history each number then has one protocol;
	// Changes shows what happens otherwise.
	ByNumber bool
	// Ignores reports that the tool keeps our fields where Git has other values. In
	// a history its commits then do not use the numbers of live adapter ports.
	Ignores bool
	// Forces reports that the tool takes conflicting fields from other managers.
	Forces bool
	// Replaces reports that each sync puts the whole object, and so removes our
	// ports.
	Replaces bool
}

// Rounds returns how often a test repeats a step: 20 times, and 200 times if
// PORTSIDE_SOAK is set.
func Rounds() int {
	if os.Getenv("PORTSIDE_SOAK") != "" {
		return 200
	}
	return 20
}

// Check asks all questions, compares the answers with the expected ones, and writes
// the row.
func (m Mode) Check(t *testing.T, want Answers) {
	t.Helper()
	if !m.answers(t, want) {
		return
	}
	if err := (Row{Tool: m.Tool, Mode: m.Mode, Answers: want, Set: m.Set}).Write(); err != nil {
		t.Error(err)
	}
}

// CheckAfter asks all questions of workloads that another mode wrote before. It
// shows whether a change to this mode solves the problems of the other.
func (m Mode) CheckAfter(t *testing.T, before Mode, want Answers) {
	t.Helper()
	moved := m
	moved.Mode = before.Mode + ", then " + m.Mode
	moved.Sync = func(s *Site, c Commit) error {
		if !s.Exists() {
			if err := before.Sync(s, c); err != nil {
				return err
			}
		}
		return m.Sync(s, c)
	}
	moved.answers(t, want)
}

// answers asks all questions in parallel, each in a namespace of its own, and
// compares the answers with the expected ones.
func (m Mode) answers(t *testing.T, want Answers) bool {
	t.Helper()
	var got Answers
	t.Run("questions", func(t *testing.T) {
		for _, question := range []struct {
			name string
			ask  func(Mode, testing.TB, *Answers)
		}{
			{"unchanged", Mode.Unchanged}, {"changes", Mode.Changes}, {"declared", Mode.Declared}, {"selfheal", Mode.SelfHeal},
		} {
			t.Run(question.name, func(t *testing.T) {
				t.Parallel()
				question.ask(m, t, &got)
			})
		}
	})
	if t.Failed() {
		return false
	}
	diff := cmp.Diff(want, got)
	if diff != "" {
		t.Errorf("%s, %s: answers (-want +got):\n%s", m.Tool, m.Mode, diff)
	}
	return diff == ""
}

// sync syncs a commit, which must succeed.
func (m Mode) sync(s *Site, c Commit) {
	s.Helper()
	if err := m.Sync(s, c); err != nil {
		s.Fatalf("%s, %s: cannot sync %s: %v", m.Tool, m.Mode, c.PortsYAML(), err)
	}
}

// compare returns the answer of the tool's comparison.
func (m Mode) compare(s *Site, c Commit) string {
	s.Helper()
	if m.Compare == nil {
		return notCompared
	}
	inSync, err := m.Compare(s, c)
	if err != nil {
		s.Fatalf("%s, %s: cannot compare: %v", m.Tool, m.Mode, err)
	}
	return YesNo(inSync)
}

// YesNo returns the answer yes or no.
func YesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// refusal returns in a few words why the tool was refused.
func refusal(err error) string {
	for _, known := range []struct{ text, why string }{
		{`conflict with "portside"`, "refused: conflict with portside"},
		{`conflicts with "portside"`, "refused: conflict with portside"},
		{`Duplicate value: "adapter-`, "refused: the adapter's port has the name"},
		{"image: Required value", "refused: adapter ports would stay in a container without an image"},
		{"cannot use server-side apply and force replace together", "refused with server-side apply"},
	} {
		if strings.Contains(err.Error(), known.text) {
			return known.why
		}
	}
	return "refused: " + err.Error()
}
