package status_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

func edited(edit v1alpha1.PortEdit, ports ...apply.PortStatus) v1alpha1.PortsChange {
	change := v1alpha1.PortsChange{Manager: "portside", Time: metav1.NewTime(now)}
	for _, p := range ports {
		change.Ports = append(change.Ports, v1alpha1.ChangedPort{
			Container: "server", Name: p.Name, Port: int32(p.Port), Protocol: "TCP", Change: edit,
		})
	}
	return change
}

func TestEvents(t *testing.T) {
	t.Parallel()
	shadowed := portOf("adapter-nfs", 12049, port.Shadowed, "git declares 12049/TCP")
	shared := portOf("adapter-nfs", 12049, port.Shared, "also declared by git")
	shared.Owners = []fieldmanager.Manager{fieldmanager.Applier("git"), fieldmanager.Applier("portside")}
	contended := portOf("adapter-nfs", 12049, port.Blocked, "another manager keeps removing this port")
	contended.Reason = status.PortContended
	nameTaken := blocked
	nameTaken.Reason = port.ReasonNameTaken
	renumbered := portOf("adapter-nfs", 2049, port.Owned, "")
	unnamed := portOf("", 12049, port.Owned, "")
	inactive := func(f *status.Facts) {
		f.Removals = []rollout.Removal{{Name: "adapter-nfs", Adapter: apply.Adapter{Type: "nfs"}, Since: now, At: now.Add(5 * time.Minute)}}
	}
	ports := func(ports ...apply.PortStatus) func(*status.Facts) {
		return func(f *status.Facts) { f.Ports = ports }
	}
	with := func(ports []apply.PortStatus, changes ...v1alpha1.PortsChange) func(*status.Facts) {
		return func(f *status.Facts) { f.Ports, f.Changes = ports, changes }
	}
	because := func(reason status.ConditionReason) func(*status.Facts) {
		return func(f *status.Facts) { f.Why, f.Because = reason, "the message" }
	}
	fails := func(reason discovery.Reason, stalled bool) func(*status.Facts) {
		return func(f *status.Facts) {
			f.Discovery = &discovery.Condition{Reason: reason, Message: "the message", Stalled: stalled}
		}
	}
	lost := func(contender rollout.Contender) func(*status.Facts) {
		return func(f *status.Facts) { f.Lost, f.Contender = []string{"adapter-nfs"}, contender }
	}
	other := func(f *status.Facts) { f.UID = "two" }
	paused := func(f *status.Facts) { f.Stopped = status.Paused }
	suspended := func(f *status.Facts) { f.Stopped = status.Suspended }
	const noRestart = "; taking over an existing port restarts no pod"
	for name, c := range map[string]struct {
		before, after func(*status.Facts)
		want          []string
	}{
		"nothing":                {nil, nil, nil},
		"added":                  {ports(), with([]apply.PortStatus{nfs}, edited(v1alpha1.PortAdded, nfs)), []string{"Normal PortAdded: Added port adapter-nfs (12049/TCP)"}},
		"several are added":      {ports(), with([]apply.PortStatus{nfs, smb}, edited(v1alpha1.PortAdded, nfs, smb)), []string{"Normal PortAdded: Added ports adapter-nfs (12049/TCP), adapter-smb (1445/TCP)"}},
		"added again":            {nil, with([]apply.PortStatus{nfs}, edited(v1alpha1.PortAdded, nfs)), []string{"Normal PortAdded: Added port adapter-nfs (12049/TCP)"}},
		"removed":                {nil, with(nil, edited(v1alpha1.PortRemoved, nfs)), []string{"Normal PortRemoved: Removed port adapter-nfs (12049/TCP)"}},
		"removed, but not by us": {nil, ports(), nil},
		"renumbered": {nil, with([]apply.PortStatus{renumbered}, v1alpha1.PortsChange{Ports: slices.Concat(edited(v1alpha1.PortRemoved, nfs).Ports, edited(v1alpha1.PortAdded, renumbered).Ports)}),
			[]string{"Normal PortRemoved: Removed port adapter-nfs (12049/TCP)", "Normal PortAdded: Added port adapter-nfs (2049/TCP)"}},
		"an unnamed port is named": {ports(), with([]apply.PortStatus{nfs}, v1alpha1.PortsChange{Ports: slices.Concat(edited(v1alpha1.PortRemoved, unnamed).Ports, edited(v1alpha1.PortAdded, nfs).Ports)}),
			[]string{"Normal PortAdded: Added port adapter-nfs (12049/TCP)"}},
		"to be renumbered": {nil, func(f *status.Facts) { ports(renumbered)(f); f.Pending = []string{"adapter-nfs"} }, nil},
		"owned":            {ports(), nil, []string{"Normal PortOwned: portside now manages port adapter-nfs (12049/TCP)" + noRestart}},
		"several are owned": {ports(), ports(nfs, smb),
			[]string{"Normal PortOwned: portside now manages ports adapter-nfs (12049/TCP), adapter-smb (1445/TCP)" + noRestart}},
		"shared":                 {ports(), ports(shared), []string{"Normal PortShared: portside now shares port adapter-nfs (12049/TCP) with git" + noRestart}},
		"shared from now on":     {nil, ports(shared), nil},
		"owned alone again":      {ports(shared), nil, nil},
		"blocked":                {nil, ports(blocked), []string{"Warning PortBlocked: Cannot add port adapter-smb (1445/TCP): the name is held by git on 445/TCP"}},
		"blocked from the start": {ports(), ports(blocked), []string{"Warning PortBlocked: Cannot add port adapter-smb (1445/TCP): the name is held by git on 445/TCP"}},
		"blocked still":          {ports(blocked), ports(blocked), nil},
		"blocked otherwise":      {ports(blocked), ports(nameTaken), []string{"Warning PortBlocked: Cannot add port adapter-smb (1445/TCP): the name is held by git on 445/TCP"}},
		"no longer blocked":      {ports(blocked), ports(smb), []string{"Normal PortOwned: portside now manages port adapter-smb (1445/TCP)" + noRestart}},
		"shadowed":               {nil, ports(shadowed), []string{"Normal PortShadowed: Port adapter-nfs (12049/TCP): git declares 12049/TCP"}},
		"invalid":                {nil, ports(nfs, invalid), []string{"Warning InvalidAdapter: Invalid adapter: adapter-ftp (0/TCP): 0 is no port"}},
		"invalid still":          {ports(invalid), ports(invalid), nil},
		"a removal waits":        {nil, inactive, []string{"Normal RemovalWaiting: Port of an inactive adapter will be removed: adapter-nfs (12049/TCP) at 2000-01-01T00:05:00Z"}},
		"it waits still":         {inactive, inactive, nil},
		"it is active again":     {inactive, nil, nil},
		"another workload":       {nil, other, []string{"Normal PortOwned: portside now manages port adapter-nfs (12049/TCP)" + noRestart}},
		"another without ports":  {nil, func(f *status.Facts) { other(f); ports()(f) }, nil},
		"lost":                   {nil, lost(rollout.Contender{Manager: "operator", Certain: true}), []string{"Warning PortLost: operator removed port adapter-nfs (12049/TCP)"}},
		"lost, most likely by":   {nil, lost(rollout.Contender{Manager: "operator"}), []string{"Warning PortLost: another manager (most likely operator) removed port adapter-nfs (12049/TCP)"}},
		"contention": {nil, func(f *status.Facts) { ports(contended)(f); f.Contended = true },
			[]string{"Warning Contended: another manager keeps removing the ports; they are added again at most once an hour. Have it leave the adapter ports alone; to try again now, run portside reconcile -n storage adapterset/files; or suspend the AdapterSet"}},
		"no target":              {nil, because(status.TargetNotFound), []string{"Warning TargetNotFound: the message"}},
		"no target still":        {because(status.TargetNotFound), because(status.TargetNotFound), nil},
		"no container":           {nil, because(status.ContainerNotFound), []string{"Warning ContainerNotFound: the message"}},
		"two of one target":      {nil, because(status.TargetTaken), []string{"Warning TargetTaken: the message"}},
		"refused":                {nil, func(f *status.Facts) { f.Failure, f.Refusal = "denied", true }, []string{"Warning Refused: denied"}},
		"not available":          {nil, func(f *status.Facts) { f.Failure = "away" }, nil},
		"discovery fails":        {nil, fails("NotFound", false), nil},
		"discovery is stalled":   {nil, fails("NotFound", true), []string{"Warning NotFound: the message"}},
		"stalled otherwise":      {fails("NotFound", true), fails("Forbidden", true), []string{"Warning Forbidden: the message"}},
		"discovery answers":      {fails("NotFound", true), nil, nil},
		"paused":                 {nil, paused, []string{"Normal Paused: the workload has the annotation portside.dev/paused; nothing is written to it"}},
		"paused still":           {paused, paused, nil},
		"suspended":              {nil, suspended, []string{"Normal Suspended: spec.suspend is true; nothing is written to the workload"}},
		"suspended, then paused": {suspended, paused, []string{"Normal Paused: the workload has the annotation portside.dev/paused; nothing is written to it"}},
		"resumed":                {suspended, nil, []string{"Normal Resumed: portside writes to the workload again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := status.Of(set(1, v1alpha1.AdapterSetStatus{}), facts(c.before), now)
			f := facts(c.after)
			var got []string
			for _, e := range status.Events(before, status.Of(set(1, before), f, now), f) {
				got = append(got, fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Note))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q\nnot %q", got, c.want)
			}
		})
	}
}

// TestNote names as many ports as fit.
func TestNote(t *testing.T) {
	t.Parallel()
	var all []apply.PortStatus
	for i := range apply.MaxAdapters {
		all = append(all, portOf(fmt.Sprintf("adapter-%07d", i), int64(10000+i), port.Owned, ""))
	}
	f := facts(func(f *status.Facts) {
		f.Ports, f.Changes = all, []v1alpha1.PortsChange{edited(v1alpha1.PortAdded, all...)}
	})
	events := status.Events(v1alpha1.AdapterSetStatus{}, status.Of(set(1, v1alpha1.AdapterSetStatus{}), f, now), f)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	named, note := strings.Count(events[0].Note, "adapter-"), events[0].Note
	if len(note) > 1024 || len(note) < 950 || !strings.HasSuffix(note, fmt.Sprintf(" and %d more", len(all)-named)) {
		t.Errorf("%d bytes, %d ports: %s", len(note), named, note)
	}
}
