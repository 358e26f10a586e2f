package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// workloadHistory is a scene in real time that reads the history of its workload.
type workloadHistory struct {
	*scene
}

func newWorkloadHistory(t *testing.T, kind string) *workloadHistory {
	t.Helper()
	h := &workloadHistory{realTimeScene(t)}
	h.kind = kind
	h.start(t)
	h.git.MustApply(t, workloadOf(kind, "files"))
	h.settled(t)
	return h
}

// settled waits for the rollout and for the next second, since times in the cluster
// are in whole seconds.
func (h *workloadHistory) settled(t *testing.T) {
	t.Helper()
	h.waitRolledOut(t)
	second := time.Now().Unix()
	testenv.Eventually(t, "the next second", func(context.Context) error {
		if time.Now().Unix() == second {
			return errors.New("it is still the same")
		}
		return nil
	})
}

// adapters declares adapters, and waits until their ports are in place and reported.
func (h *workloadHistory) adapters(t *testing.T, adapters fixture.Option, ports ...string) {
	t.Helper()
	h.git.MustApply(t, adapterSetOf(h.kind, "files", adapters))
	h.restored(t, ports...)
}

// restored waits until these ports are in place and reported.
func (h *workloadHistory) restored(t *testing.T, ports ...string) {
	t.Helper()
	h.expectPorts(t, ports...)
	h.settled(t)
	h.expect(t, "Ready", "True", "InPlace")
	h.expect(t, "Reconciling", "False", "AsExpected")
}

// rows returns the history, each change as REVISION MANAGER CHANGE (certain), or with
// the reason why it is not certain.
func (h *workloadHistory) rows(t *testing.T) []string {
	t.Helper()
	past, err := history.Read(t.Context(), h.cp.Config(), workload.Target{Kind: workload.KindOf("apps/v1", h.kind), Namespace: h.ns, Name: "files"})
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{}
	for _, c := range past.Changes() {
		certain := c.Because
		if c.Certain {
			certain = "certain"
		}
		rows = append(rows, fmt.Sprintf("%d %s %s (%s)", c.Revision, c.By(), printer.ChangeText(c), certain))
	}
	return rows
}

func (h *workloadHistory) expectRows(t *testing.T, want ...string) {
	t.Helper()
	if got := h.rows(t); !slices.Equal(got, want) {
		t.Errorf("the history is\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const firstRow = "1 <unknown> server: api 8080/TCP (earliest revision kept) (no older revision is kept)"

func eachKind(t *testing.T, test func(t *testing.T, h *workloadHistory)) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			test(t, newWorkloadHistory(t, kind.Kind))
		})
	}
}

// TestHistory has changes of ports by the service and by other managers.
func TestHistory(t *testing.T) {
	eachKind(t, func(t *testing.T, h *workloadHistory) {
		h.adapters(t, withNFS, nfs...)
		h.stop()
		h.start(t) // it knows its changes by the status alone
		h.adapters(t, fixture.Adapters("nfs:12050"), "api:8080/TCP", "adapter-nfs:12050/TCP")
		h.cp.Manager(testenv.KubectlEdit).MustPatch(t, h.kind, h.ns, "files", types.JSONPatchType,
			[]byte(`[{"op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": {"name": "web", "containerPort": 9090, "protocol": "TCP"}}]`))
		h.settled(t)
		h.expectRows(t, firstRow,
			"2 portside server: +adapter-nfs 12049/TCP (certain)",
			"3 portside server: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP (certain)",
			"4 kubectl-edit server: +web 9090/TCP (certain)",
		)
		h.adapters(t, noAdapters, "api:8080/TCP", "web:9090/TCP")
		h.expectRows(t, firstRow,
			"2 portside server: +adapter-nfs 12049/TCP (certain)",
			"3 portside server: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP (certain)",
			"4 kubectl-edit server: +web 9090/TCP (certain)",
			"5 portside server: -adapter-nfs 12050/TCP (certain)",
		)
	})
}

// TestHistoryAfterRollback: kubectl rollout undo removes a port and the service adds
// it again, both with templates that have a revision already.
func TestHistoryAfterRollback(t *testing.T) {
	eachKind(t, func(t *testing.T, h *workloadHistory) {
		h.adapters(t, withNFS, nfs...)
		if _, err := h.cp.Kubectl(t.Context(), h.ns, "", "rollout", "undo", h.kind+"/files"); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, "the port to be added again and recorded", func(ctx context.Context) error {
			set, err := h.get(ctx, "files")
			if err == nil && len(set.Status.Changes) < 2 {
				err = fmt.Errorf("%+v", set.Status.Changes)
			}
			return err
		})
		h.restored(t, nfs...)
		if h.kind == "Deployment" {
			h.expectRows(t, firstRow,
				"2 portside server: +adapter-nfs 12049/TCP (certain)",
				"3 <unknown> server: -adapter-nfs 12049/TCP (when this revision came back is not known)",
				"4 portside server: +adapter-nfs 12049/TCP (certain)",
			)
			return
		}
		h.expectRows(t,
			strings.Replace(firstRow, "1", "3", 1),
			"4 portside server: +adapter-nfs 12049/TCP (certain)",
		)
	})
}

// TestStatusChanges checks the changes in status, and when a port changed last.
func TestStatusChanges(t *testing.T) {
	t.Parallel()
	h := newWorkloadHistory(t, "StatefulSet")
	h.adapters(t, fixture.Adapters("nfs:12049", "web:8080"), nfs...)
	first := h.status(t)
	added := v1alpha1.ChangedPort{Container: "server", Name: "adapter-nfs", Port: 12049, Protocol: "TCP", Change: v1alpha1.PortAdded}
	expectChanges(t, first, []v1alpha1.ChangedPort{added})
	if at := first.Changes[0].Time; first.Ports[0].LastChangeTime == nil || !first.Ports[0].LastChangeTime.Equal(&at) || first.Ports[1].LastChangeTime != nil {
		t.Errorf("nfs was added at %s, and web is another manager's: %+v", at, first.Ports)
	}

	h.adapters(t, fixture.Adapters("smb:1445", "nfs:12049"), "api:8080/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	second := h.status(t)
	smb := v1alpha1.ChangedPort{Container: "server", Name: "adapter-smb", Port: 1445, Protocol: "TCP", Change: v1alpha1.PortAdded}
	expectChanges(t, second, []v1alpha1.ChangedPort{added}, []v1alpha1.ChangedPort{smb})
	if !second.Ports[1].LastChangeTime.Equal(&first.Changes[0].Time) || !second.Ports[0].LastChangeTime.Equal(&second.Changes[1].Time) {
		t.Errorf("nfs is as it was, and smb was added later: %+v", second.Ports)
	}

	h.git.MustDelete(t, "StatefulSet", h.ns, "files")
	h.expect(t, "Ready", "False", "TargetNotFound")
	expectChanges(t, h.status(t), []v1alpha1.ChangedPort{added}, []v1alpha1.ChangedPort{smb})
	h.git.MustApply(t, statefulSet())
	h.restored(t, "api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	expectChanges(t, h.status(t), []v1alpha1.ChangedPort{smb, added})
}

func (h *workloadHistory) status(t *testing.T) v1alpha1.AdapterSetStatus {
	t.Helper()
	return h.mustGet(t).Status
}

func expectChanges(t *testing.T, s v1alpha1.AdapterSetStatus, want ...[]v1alpha1.ChangedPort) {
	t.Helper()
	got := make([][]v1alpha1.ChangedPort, 0, len(s.Changes))
	for _, change := range s.Changes {
		got = append(got, change.Ports)
		if change.Manager != testenv.Portside || time.Since(change.Time.Time) > 10*time.Minute {
			t.Errorf("%+v", change)
		}
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]v1alpha1.ChangedPort]) {
		t.Errorf("the changes are\n%v\nnot\n%v", got, want)
	}
}

// TestStatusChangesDuringOutage makes changes while status cannot be stored. Each is
// recorded once, after the outage.
func TestStatusChangesDuringOutage(t *testing.T) {
	t.Parallel()
	h := &workloadHistory{realTimeScene(t)}
	var failing atomic.Bool
	proxy := h.cp.Proxy(t, h.cp.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		if failing.Load() && testenv.Is(testenv.VerbApply, "adaptersets/status")(r) {
			panic(http.ErrAbortHandler) // ends this exchange alone
		}
	}})
	h.startAs(t, proxy.Config())
	h.git.MustApply(t, statefulSet(onDelete))
	h.settled(t)
	failing.Store(true)
	h.git.MustApply(t, adapterSet(withNFS))
	h.expectPorts(t, nfs...)
	h.git.MustApply(t, adapterSet(noAdapters))
	h.expectPorts(t, "api:8080/TCP")
	failing.Store(false)
	h.catchUp(t)
	port := v1alpha1.ChangedPort{Container: "server", Name: "adapter-nfs", Port: 12049, Protocol: "TCP", Change: v1alpha1.PortAdded}
	removed := port
	removed.Change = v1alpha1.PortRemoved
	expectChanges(t, h.status(t), []v1alpha1.ChangedPort{port}, []v1alpha1.ChangedPort{removed})
	h.catchUp(t)
	expectChanges(t, h.status(t), []v1alpha1.ChangedPort{port}, []v1alpha1.ChangedPort{removed})
}
