package mirror

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// TestTheNewerIsTaken of what is watched and what the server answered to a write.
func TestTheNewerIsTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ watched, answered, then, want string }{
		"the answer comes first":                  {"first 9", "first 10", "", "first 10"},
		"the watch comes first":                   {"first 11", "first 10", "", "first 11"},
		"both are the same":                       {"first 10", "first 10", "", "first 10"},
		"the watch is behind the answer":          {"first 8", "first 10", "first 9", "first 10"},
		"the watch has caught up":                 {"first 9", "first 10", "first 10", "first 10"},
		"the watch is ahead of the answer":        {"first 9", "first 10", "first 11", "first 11"},
		"it is gone":                              {"", "first 10", "", ""},
		"there is another of that name":           {"second 9", "first 10", "", "second 9"},
		"there is another of that name after it":  {"first 9", "first 10", "second 11", "second 11"},
		"the versions are not numbers":            {"first a", "first c", "first b", "first b"},
		"what is watched was packed":              {"first 9 packed", "first 10", "first 10", "first 10"},
		"the answer was packed, the watch behind": {"first 8", "first 10 packed", "first 9", "first 10"},
	} {
		m := New(nil, Options{})
		rows := m.workloads[workload.StatefulSet]
		object := func(text string) *appsv1.StatefulSet {
			uid, version, _ := strings.Cut(strings.TrimSuffix(text, " packed"), " ")
			return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{
				Namespace: "storage", Name: "files", UID: types.UID(uid), ResourceVersion: version,
			}}
		}
		pack := func(text string) {
			if strings.HasSuffix(text, " packed") {
				m.packUntouched()
				m.packUntouched()
			}
		}
		watch := func(text string) {
			if text == "" {
				return
			}
			if err := rows.Update(object(text)); err != nil {
				t.Fatal(err)
			}
			pack(text)
		}
		watch(c.watched)
		m.Answered(read(t, object(c.answered)))
		pack(c.answered)
		watch(c.then)
		got := ""
		if w := m.Workload(targetIn("storage", "files")); w != nil {
			got = fmt.Sprintf("%s %s", w.UID, w.ResourceVersion)
		}
		if got != c.want {
			t.Errorf("%s: it is %q, not %q", name, got, c.want)
		}
	}
}

// TestAnAnswerThatComesWhileAnOlderOneIsRead stays.
func TestAnAnswerThatComesWhileAnOlderOneIsRead(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	rows := m.workloads[workload.StatefulSet]
	of := func(version string) *appsv1.StatefulSet {
		return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "files", UID: "first", ResourceVersion: version}}
	}
	if err := rows.Add(of("8")); err != nil {
		t.Fatal(err)
	}
	rows.keep = func(object any) (workload.Workload, bool) {
		m.Answered(read(t, of("10")))
		return (&Mirror{}).keepWorkload(object)
	}
	if err := rows.Update(of("9")); err != nil {
		t.Fatal(err)
	}
	if version := m.Workload(targetIn("storage", "files")).ResourceVersion; version != "10" {
		t.Errorf("it is of version %s", version)
	}
}

// TestAnAnswerIsTold once: what is watched of it later is no news.
func TestAnAnswerIsTold(t *testing.T) {
	t.Parallel()
	m, told, git, ns := watching(t)
	mustApply(t, git, adapterSet("files", "files"))
	told.expect(t, "files: AdapterSet")
	mustApply(t, git, statefulSet("files"))
	told.expect(t, "files: workload")
	answer := *m.Workload(targetIn(ns, "files"))
	answer.Paused, answer.ResourceVersion = true, answer.ResourceVersion+"0"
	m.Answered(&answer)
	told.expect(t, "files: workload")
	m.Answered(&answer)
	if told := told.take(); len(told) > 0 {
		t.Errorf("told again: %q", told)
	}
}
