package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// nextSecond waits until the clock shows another second: timestamps in the
// cluster have no fractions, and what happens within one second cannot be told
// apart by time.
func nextSecond(t *testing.T) {
	t.Helper()
	second := time.Now().Unix()
	testenv.Eventually(t, "the next second", func(context.Context) error {
		if time.Now().Unix() == second {
			return errors.New("it is still the same")
		}
		return nil
	})
}

// eachKind runs a test with a workload of each kind, on the real controllers.
func eachKind(t *testing.T, test func(t *testing.T, h *historyOf)) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := &historyOf{cluster: newCluster(t, testenv.WithControllers(t)), kind: kind}
			spec := ""
			if kind == "StatefulSet" {
				spec = "serviceName: dittofs,"
			}
			if _, err := h.Manager(testenv.ArgoCD).In(h.namespace).Apply(t.Context(), workload(kind, spec, staticPorts)); err != nil {
				t.Fatal(err)
			}
			h.rolledOut()
			test(t, h)
		})
	}
}

// historyOf is a workload whose history is made and looked at.
type historyOf struct {
	*cluster
	kind string
}

func (h *historyOf) rolledOut() {
	h.t.Helper()
	h.WaitRolledOut(h.t, h.kind, h.namespace, "dittofs")
	nextSecond(h.t)
}

func (h *historyOf) apply(adapters string) {
	h.t.Helper()
	h.must(0, h.runWith(strings.ReplaceAll(adapterSet(adapters), "StatefulSet", h.kind), "apply", "-f", "-"))
	h.rolledOut()
}

// table is the history with the ages left out, except for what is said of them.
func (h *historyOf) table() string {
	h.t.Helper()
	a := h.must(0, h.run("history", h.kind, "dittofs"))
	return regexp.MustCompile(`(?m)^(\d+) (~?)\d+m?\d*s `).ReplaceAllString(squeeze(a.stdout), "$1 ${2}AGE ")
}

func TestHistory(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.apply("[{type: nfs, port: 12049}]")
		h.apply("[{type: nfs, port: 12050}]")
		image := `{"spec":{"template":{"metadata":{"annotations":{"other":"change"}}}}}`
		if _, err := h.Kubectl(t.Context(), h.namespace, "", "patch", h.kind, "dittofs", "-p", image); err != nil {
			t.Fatal(err)
		}
		h.rolledOut()
		expect(t, "table", h.table(), `REVISION AGE BY CHANGE
1 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)
2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP
3 AGE portside dittofs: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP
`)
		h.checkHistoryDocuments(h.kind)
		h.deleteRevision(2)
		expect(t, "table with a gap", h.table(), `REVISION AGE BY CHANGE
1 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)
3 <unknown> probably portside dittofs: +adapter-nfs 12050/TCP (since revision 1; revision 2 is not kept)
`)
		expectIn(t, "wide", h.must(0, h.run("history", h.kind, "dittofs", "-o", "wide")).stdout, "revision 2 is not kept: the change may have been made with it; owners of what was added")
	})
}

// deleteRevision deletes what keeps the revision, as the controller does beyond
// spec.revisionHistoryLimit.
func (h *historyOf) deleteRevision(number int64) {
	h.t.Helper()
	for _, r := range h.revisions() {
		if r.Revision == number {
			if _, err := h.Kubectl(h.t.Context(), h.namespace, "", "delete", resourceOf(h.kind), r.Name); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

func resourceOf(kind string) string {
	if kind == "Deployment" {
		return "replicaset.apps"
	}
	return "controllerrevision.apps"
}

type revisionRow struct {
	Revision     int64
	Name         string
	Time         *time.Time
	TimeProbable bool
	Managers     []string
	Certain      bool
}

func (h *historyOf) revisions() []revisionRow {
	h.t.Helper()
	var document struct{ Revisions []revisionRow }
	if err := json.Unmarshal([]byte(h.must(0, h.run("history", h.kind, "dittofs", "-o", "json")).stdout), &document); err != nil {
		h.t.Fatal(err)
	}
	return document.Revisions
}

// An adapter that goes on and off has the workload use a template again. Its
// controller gives the revision of that template the next number and leaves
// its creation time.
func TestHistoryOfATemplateThatComesBack(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		// flip is an apply and when it was.
		var since []time.Time
		flip := func(adapters string) {
			since = append(since, time.Now().Truncate(time.Second))
			h.apply(adapters)
		}
		const on, off = "[{type: nfs, port: 12049}]", "[]"
		// A ReplicaSet does not tell when its template came back.
		again, newest := "AGE", "AGE portside"
		if h.kind == "Deployment" {
			again, newest = "<unknown>", "~AGE probably portside"
		}
		want := "REVISION AGE BY CHANGE\n" +
			"1 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)\n"

		flip(on)
		flip(off)
		expect(t, "off, on, off", h.table(), want+
			"2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP\n"+
			"3 "+again+" <unknown> dittofs: -adapter-nfs 12049/TCP\n")
		flip(on)
		expect(t, "off, on, off, on", h.table(), want+
			"2 AGE probably portside dittofs: +adapter-nfs 12049/TCP\n"+
			"3 "+again+" <unknown> dittofs: -adapter-nfs 12049/TCP\n"+
			"4 "+newest+" dittofs: +adapter-nfs 12049/TCP\n")
		for i, r := range h.revisions()[1:] {
			if r.Time == nil {
				continue
			}
			if until := since[i].Add(time.Minute); r.Time.Before(since[i]) || r.Time.After(until) || i+1 < len(since) && !r.Time.Before(since[i+1]) {
				t.Errorf("revision %d was made at %s, not between the changes at %s", r.Revision, r.Time, since)
			}
		}

		flip(off)
		if h.kind == "Deployment" {
			// Its ReplicaSets have the numbers that they had.
			expect(t, "off, on, off, on, off", h.table(), want+
				"2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP\n"+
				"3 <unknown> <unknown> dittofs: -adapter-nfs 12049/TCP\n"+
				"4 <unknown> <unknown> dittofs: +adapter-nfs 12049/TCP\n"+
				"5 <unknown> <unknown> dittofs: -adapter-nfs 12049/TCP\n")
			return
		}
		expect(t, "off, on, off, on, off", h.table(), `REVISION AGE BY CHANGE
4 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP, adapter-nfs 12049/TCP (the revision before it is not kept)
5 AGE <unknown> dittofs: -adapter-nfs 12049/TCP
`)
	})
}

func (c *cluster) checkHistoryDocuments(kind string) {
	t := c.t
	t.Helper()
	var document struct {
		Revisions []struct {
			Revision int64
			Managers []string
			Certain  bool
		}
	}
	if err := json.Unmarshal([]byte(c.must(0, c.run("history", kind, "dittofs", "-o", "json")).stdout), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Revisions) != 3 || !document.Revisions[2].Certain || document.Revisions[2].Managers[0] != "portside" {
		t.Errorf("the document: %+v", document)
	}
	resource := resourceOf(kind) + "/dittofs-"
	names := c.must(0, c.run("history", kind, "dittofs", "-o", "name")).stdout
	if strings.Count(names, resource) != 3 {
		t.Errorf("names:\n%s", names)
	}
	expectIn(t, "wide", c.must(0, c.run("history", kind, "dittofs", "-o", "wide")).stdout, "BECAUSE", "it owns what was added, and has not written since")
}

// squeeze makes every run of spaces one.
func squeeze(text string) string { return regexp.MustCompile(` +`).ReplaceAllString(text, " ") }

func TestHistoryWithoutRevisions(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	a := c.must(0, c.run("history", "sts/dittofs"))
	expectIn(t, "stderr", a.stderr, "keeps no revision")
	expectIn(t, "stderr", c.must(1, c.run("history", "sts/gone")).stderr, "/gone is not there")
}
