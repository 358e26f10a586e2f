package cmd_test

import (
	"testing"
	"time"
)

// TestHistory_TemplateUsedAgain: an adapter that becomes active and inactive makes the
// workload use a template again. Its controller gives the revision of that template
// the next number and leaves its creation time.
func TestHistory_TemplateUsedAgain(t *testing.T) {
	eachKind(t, func(t *testing.T, h *historyOf) {
		const on, off = "[{type: nfs, port: 12049}]", "[]"
		var since []time.Time // when each change began
		for _, adapters := range []string{on, off, on, off} {
			since = append(since, time.Now().Truncate(time.Second))
			h.apply(adapters)
		}
		if h.kind == "Deployment" {
			// Its ReplicaSets record the numbers that they had.
			expect(t, "table", h.table(), historyBegins+
				"2 AGE portside dittofs: +adapter-nfs 12049/TCP\n"+
				"3 AGE portside dittofs: -adapter-nfs 12049/TCP\n"+
				"4 AGE portside dittofs: +adapter-nfs 12049/TCP\n"+
				"5 AGE portside dittofs: -adapter-nfs 12049/TCP\n")
		} else {
			expect(t, "table", h.table(), `REVISION AGE BY CHANGE
4 AGE <unknown> dittofs: api 8080/TCP, nfs 2049/TCP, adapter-nfs 12049/TCP (the revision before it is not kept)
5 AGE portside dittofs: -adapter-nfs 12049/TCP
`)
		}
		for _, r := range h.revisions() {
			at := r.Revision - 2
			if at < 0 {
				continue
			}
			if r.Time == nil || r.Time.Before(since[at]) || at+1 < int64(len(since)) && !r.Time.Before(since[at+1]) {
				t.Errorf("revision %d was made at %s, not between the changes at %s", r.Revision, r.Time, since)
			}
		}
		// Without a record the time is unknown, too.
		h.deleteEvents()
		if last := h.revisions(); h.kind == "Deployment" && (last[4].Time != nil || last[4].Because != "when this revision came back is not known") {
			t.Errorf("without Events: %+v", last[4])
		}
	})
}
