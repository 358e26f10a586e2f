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

func TestHistory(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.WithControllers(t))
			spec := ""
			if kind == "StatefulSet" {
				spec = "serviceName: dittofs,"
			}
			rolledOut := func() {
				c.WaitRolledOut(t, kind, c.namespace, "dittofs")
				nextSecond(t)
			}
			if _, err := c.Manager(testenv.ArgoCD).In(c.namespace).Apply(t.Context(), workload(kind, spec, staticPorts)); err != nil {
				t.Fatal(err)
			}
			rolledOut()
			apply := func(adapters string) {
				c.must(0, c.runWith(strings.ReplaceAll(adapterSet(adapters), "StatefulSet", kind), "apply", "-f", "-"))
				rolledOut()
			}
			apply("[{type: nfs, port: 12049}]")
			apply("[{type: nfs, port: 12050}]")
			image := `{"spec":{"template":{"metadata":{"annotations":{"other":"change"}}}}}`
			if _, err := c.Kubectl(t.Context(), c.namespace, "", "patch", kind, "dittofs", "-p", image); err != nil {
				t.Fatal(err)
			}
			rolledOut()
			a := c.must(0, c.run("history", kind, "dittofs"))
			got := regexp.MustCompile(`(?m)^(\d) +\d+s `).ReplaceAllString(a.stdout, "$1 AGE ")
			expect(t, "table", squeeze(got), `REVISION AGE BY CHANGE
1 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)
2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP
3 AGE portside dittofs: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP
`)
			c.checkHistoryDocuments(kind)
		})
	}
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
	resource := "controllerrevision.apps/dittofs-"
	if kind == "Deployment" {
		resource = "replicaset.apps/dittofs-"
	}
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
