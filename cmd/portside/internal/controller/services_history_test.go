package controller

import (
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestServices_History: what portside changes in a Service is in the history of that
// Service, and does not disturb that of the workload. Where a port leads is an event.
func TestServices_History(t *testing.T) {
	t.Parallel()
	h := &workloadHistory{realTimeScene(t)}
	h.start(t, withServices)
	h.git.MustApply(t, statefulSet())
	s := serviceScene{h.scene}
	s.applyService(t, clusterIP, "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]")
	h.settled(t)
	byNumber := fixture.Spec("services: [{name: files, targetPort: Number, ports: [{adapter: nfs, port: 2049}]}]")
	declare := func(adapters fixture.Option, inService []string, ports ...string) {
		s.git.MustApply(t, adapterSet(adapters, byNumber))
		s.expectService(t, append([]string{apiPort}, inService...)...)
		h.restored(t, ports...)
	}
	declare(withNFS, []string{"adapter-nfs:2049/TCP->12049"}, nfs...)
	declare(fixture.Adapters("nfs:12050"), []string{"adapter-nfs:2049/TCP->12050"}, "api:8080/TCP", "adapter-nfs:12050/TCP")
	s.expectBothEvents(t, "PortRetargeted", "Changed where a port leads: adapter-nfs (2049/TCP) of Service files")
	h.expectRows(t, firstRow,
		"2 portside server: +adapter-nfs 12049/TCP (certain)",
		"3 portside server: -adapter-nfs 12049/TCP, +adapter-nfs 12050/TCP (certain)",
	)
	declare(noAdapters, nil, static...)

	past, err := history.Read(t.Context(), s.cp.Config(), workload.Target{Kind: workload.Service, Namespace: s.ns, Name: "files"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range past.Changes() {
		got = append(got, fmt.Sprintf("%s: %s (%s)", c.By(), printer.ChangeText(c), c.Because))
	}
	const recorded = " (recorded in AdapterSet files)"
	if want := []string{"portside: +adapter-nfs 2049/TCP" + recorded, "portside: ~adapter-nfs 2049/TCP" + recorded, "portside: -adapter-nfs 2049/TCP" + recorded}; !slices.Equal(got, want) {
		t.Errorf("the history of the Service is %q, not %q", got, want)
	}
}
