package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// nextSecond waits until the next second: timestamps in the cluster have no fractions,
// so events within a second have the same time.
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

// eachKind runs a test with a workload of each kind and the real controllers.
func eachKind(t *testing.T, test func(t *testing.T, h *historyOf)) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := &historyOf{cluster: newCluster(t, testenv.WithControllers(t)), kind: kind}
			h.argocd(staticPorts)
			test(t, h)
		})
	}
}

// historyOf is a workload that a test changes, and whose history it reads.
type historyOf struct {
	*cluster
	kind string
}

// spec is what the kind needs besides replicas, selector and template.
func (h *historyOf) rolledOut() {
	h.t.Helper()
	h.WaitRolledOut(h.t, h.kind, h.namespace, "dittofs")
	nextSecond(h.t)
}

func (h *historyOf) apply(adapters string) {
	h.t.Helper()
	h.must(0, h.runWith(strings.ReplaceAll(adapterSet(adapters), "StatefulSet", h.kind), "sync", "-f", "-"))
	h.rolledOut()
}

// table returns the history without the ages.
func (h *historyOf) table() string {
	h.t.Helper()
	a := h.must(0, h.run("history", h.kind, "dittofs"))
	return regexp.MustCompile(`(?m)^(\d+) \d+m?\d*s `).ReplaceAllString(squeeze(a.stdout), "$1 AGE ")
}

// becauses returns the reasons that -o json gives, by revision.
func (h *historyOf) becauses() map[int64]string {
	h.t.Helper()
	becauses := map[int64]string{}
	for _, r := range h.revisions() {
		becauses[r.Revision] = r.Because
	}
	return becauses
}

// by changes the workload as another manager, and waits for the rollout.
func (h *historyOf) by(change func() error) {
	h.t.Helper()
	if err := change(); err != nil {
		h.t.Fatal(err)
	}
	h.rolledOut()
}

func (h *historyOf) argocd(ports string) {
	h.t.Helper()
	h.by(func() error {
		_, err := h.Manager(testenv.ArgoCD).In(h.namespace).Apply(h.t.Context(), workloadOf(h.kind, ports))
		return err
	})
}

// addPort returns what kubectl edit sends for one more port.
func (h *historyOf) addPort(manager, port string) {
	h.t.Helper()
	h.by(func() error {
		_, err := h.Manager(manager).Patch(h.t.Context(), h.kind, h.namespace, "dittofs", types.JSONPatchType,
			[]byte(`[{"op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": `+port+`}]`))
		return err
	})
}

func (h *historyOf) undo() {
	h.t.Helper()
	h.by(func() error {
		_, err := h.Kubectl(h.t.Context(), h.namespace, "", "rollout", "undo", h.kind+"/dittofs")
		return err
	})
}

// deleteEvents deletes the Events that the API server deletes after an hour.
func (h *historyOf) deleteEvents() {
	h.t.Helper()
	if _, err := h.Kubectl(h.t.Context(), h.namespace, "", "delete", "events.events.k8s.io", "--all"); err != nil {
		h.t.Fatal(err)
	}
}

const historyBegins = "REVISION AGE BY CHANGE\n" +
	"1 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)\n"

func TestHistory(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.apply("[{type: nfs, port: 12049}]")
		h.apply("[{type: nfs, port: 12050}]")
		h.by(func() error {
			image := `{"spec":{"template":{"metadata":{"annotations":{"other":"change"}}}}}`
			_, err := h.Kubectl(t.Context(), h.namespace, "", "patch", h.kind, "dittofs", "-p", image)
			return err
		})
		h.must(0, h.run("release", h.kind, "dittofs"))
		h.rolledOut()
		expect(t, "table", h.table(), historyBegins+`2 AGE portside dittofs: +adapter-nfs 12049/TCP
3 AGE portside dittofs: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP
5 AGE portside dittofs: -adapter-nfs 12050/TCP
`)
		h.checkHistoryDocuments(h.kind)
		h.deleteRevision(2)
		expect(t, "table with a gap", h.table(), historyBegins+
			`3 AGE portside dittofs: +adapter-nfs 12050/TCP (since revision 1; revision 2 is not kept)
5 AGE portside dittofs: -adapter-nfs 12050/TCP
`)
		h.deleteEvents()
		expect(t, "table with a gap and without Events", h.table(), historyBegins+
			`3 <unknown> <unknown> dittofs: +adapter-nfs 12050/TCP (since revision 1; revision 2 is not kept)
5 AGE <unknown> dittofs: -adapter-nfs 12050/TCP
`)
		if got, want := h.becauses()[3], "revision 2 is not kept"; got != want {
			t.Errorf("revision 3: %q, not %q", got, want)
		}
	})
}

// TestHistory_ManagedFields tests what is certain without a record.
func TestHistory_ManagedFields(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.argocd(`[{name: api, containerPort: 8080, protocol: TCP}]`)
		h.addPort(testenv.KubectlEdit, `{"name": "adapter-smb", "containerPort": 1445, "protocol": "TCP"}`)
		h.apply("[{type: nfs, port: 12049}]")
		h.apply("[{type: nfs, port: 12050}]")
		h.argocd(`[{name: api, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP}]`)
		h.deleteEvents()
		expect(t, "table", h.table(), historyBegins+`2 AGE <unknown> dittofs: -nfs 2049/TCP
3 AGE kubectl-edit dittofs: +adapter-smb 1445/TCP
4 AGE <unknown> dittofs: +adapter-nfs 12049/TCP
5 AGE portside dittofs: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP
6 AGE argocd-controller dittofs: +metrics 9090/TCP
`)
		for revision, want := range map[int64]string{
			2: "managedFields do not show removals",
			3: "owns the added ports, has not written since",
			4: "an added port has no owner any more",
		} {
			if got := h.becauses()[revision]; got != want {
				t.Errorf("revision %d: %q, not %q", revision, got, want)
			}
		}
		// Of a removal, the last writes are only a hint.
		h.argocd(`[{name: metrics, containerPort: 9090, protocol: TCP}]`)
		const hint = "managedFields do not show removals; last write then: argocd-controller"
		if got := h.becauses()[7]; got != hint {
			t.Errorf("revision 7: %q, not %q", got, hint)
		}
	})
}

// TestHistory_Rollback: a rollback restores a template that portside had changed, and
// is no change by portside.
func TestHistory_Rollback(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.apply("[{type: nfs, port: 12049}]")
		h.undo()
		h.undo()
		switch got := h.table(); h.kind {
		case "Deployment": // a ReplicaSet does not say when its template came back
			expect(t, "table", got, historyBegins+`2 AGE portside dittofs: +adapter-nfs 12049/TCP
3 <unknown> <unknown> dittofs: -adapter-nfs 12049/TCP
4 <unknown> <unknown> dittofs: +adapter-nfs 12049/TCP
`)
		default:
			expect(t, "table", got, `REVISION AGE BY CHANGE
3 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP (earliest revision kept)
4 AGE kubectl dittofs: +adapter-nfs 12049/TCP
`)
		}
	})
}

// TestHistory_Adoption: history reports that the operator added the ports, although
// portside owns them now.
func TestHistory_Adoption(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.addPort(testenv.DittoFSOperator, `{"name": "adapter-nfs", "containerPort": 12049, "protocol": "TCP"}`)
		expect(t, "before", h.table(), historyBegins+"2 AGE dittofs-operator dittofs: +adapter-nfs 12049/TCP\n")
		h.must(0, h.run("adopt", h.kind, "dittofs", "--from", testenv.DittoFSOperator))
		expect(t, "after", h.table(), historyBegins+"2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP\n")
		if got, want := h.becauses()[2], "portside owns the added ports, but last wrote at another time"; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	})
}

// TestHistory_RecreatedWorkload: the records of a workload are not those of the next
// one with its name.
func TestHistory_RecreatedWorkload(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		h.apply("[{type: nfs, port: 12049}]")
		h.Manager(testenv.ArgoCD).MustDelete(t, h.kind, h.namespace, "dittofs")
		testenv.Eventually(t, "its revisions are deleted too", func(ctx context.Context) error {
			out, err := h.Kubectl(ctx, h.namespace, "", "get", resourceOf(h.kind), "-o", "name")
			if err == nil && out != "" {
				err = errors.New(out)
			}
			return err
		})
		h.argocd(staticPorts)
		h.addPort(testenv.KubectlEdit, `{"name": "adapter-nfs", "containerPort": 12049, "protocol": "TCP"}`)
		expect(t, "table", h.table(), historyBegins+"2 AGE kubectl-edit dittofs: +adapter-nfs 12049/TCP\n")
	})
}

// TestHistory_WithoutPermissions: all commands work for a user who may neither create
// nor read records.
func TestHistory_WithoutPermissions(t *testing.T) {
	t.Parallel()
	h := &historyOf{cluster: newCluster(t, testenv.WithControllers(t)), kind: "StatefulSet"}
	h.argocd(staticPorts)
	user := "ci-" + h.namespace
	h.as(user, "create", "role", user, "--verb=get,list,patch", "--resource=statefulsets.apps,controllerrevisions.apps")
	a := h.must(0, h.runWith(adapterSet("[{type: nfs, port: 12049}]"), "sync", "-f", "-", "-v", "1"))
	expectIn(t, "log", a.stderr, "cannot record the change in an Event")
	h.rolledOut()
	a = h.must(0, h.runWith(adapterSet("[{type: nfs, port: 12050}]"), "sync", "-f", "-"))
	expect(t, "stderr without -v", a.stderr, "")
	h.rolledOut()
	expect(t, "table", h.table(), historyBegins+`2 AGE <unknown> dittofs: +adapter-nfs 12049/TCP
3 AGE portside dittofs: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP
`)
	expectIn(t, "notes", h.run("history", "sts/dittofs").stderr,
		"changes by portside may be <unknown>: cannot read AdapterSets", "changes by portside may be <unknown>: cannot read Events")
}

// as runs the program as a user with a role that kubectl creates.
func (h *historyOf) as(user string, role ...string) {
	h.t.Helper()
	config, err := h.User(user)
	if err != nil {
		h.t.Fatal(err)
	}
	content, err := testenv.KubeconfigOf(config, h.namespace)
	if err != nil {
		h.t.Fatal(err)
	}
	h.kubeconfig = file(h.t, "kubeconfig", string(content))
	for _, command := range [][]string{role, {"create", "rolebinding", user, "--role=" + user, "--user=" + user}} {
		if _, err := h.Kubectl(h.t.Context(), h.namespace, "", command...); err != nil {
			h.t.Fatal(err)
		}
	}
	testenv.Eventually(h.t, "RBAC lets the user read", func(context.Context) error {
		if a := h.run("owners", h.kind, "dittofs"); a.code != 0 {
			return errors.New(a.stderr)
		}
		return nil
	})
}

// deleteRevision deletes the object of a revision, as the controller does beyond
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
	Revision int64
	Name     string
	Time     *time.Time
	Managers []string
	Certain  bool
	Because  string
}

func (h *historyOf) revisions() []revisionRow {
	h.t.Helper()
	var document struct{ Revisions []revisionRow }
	if err := json.Unmarshal([]byte(h.must(0, h.run("history", h.kind, "dittofs", "-o", "json")).stdout), &document); err != nil {
		h.t.Fatal(err)
	}
	return document.Revisions
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
	if rows := document.Revisions; len(rows) != 4 || rows[0].Certain || !rows[1].Certain || !rows[2].Certain || !rows[3].Certain || rows[2].Managers[0] != "portside" {
		t.Errorf("the document: %+v", document)
	}
	resource := resourceOf(kind) + "/dittofs-"
	names := c.must(0, c.run("history", kind, "dittofs", "-o", "name")).stdout
	if strings.Count(names, resource) != 4 {
		t.Errorf("names:\n%s", names)
	}
	expectIn(t, "wide", c.must(0, c.run("history", kind, "dittofs", "-o", "wide")).stdout, "BECAUSE", "recorded in an Event")
}

// squeeze replaces each run of spaces by one.
func squeeze(text string) string { return regexp.MustCompile(` +`).ReplaceAllString(text, " ") }

func TestHistory_WithoutRevisions(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	a := c.must(0, c.run("history", "sts/dittofs"))
	expectIn(t, "stderr", a.stderr, "keeps no revision")
	expectIn(t, "stderr", c.must(2, c.run("history", "sts/gone")).stderr, "/gone not found; check the name")
}
