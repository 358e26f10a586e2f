package discovery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

func TestPollOneOfThreeSilent(t *testing.T) {
	pods := []discovery.Pod{
		serve(t, "pod-2", says(recorded(t, "both-running"))),
		serve(t, "pod-0", says(recorded(t, "smb-disabled"))),
		serve(t, "pod-1", http.HandlerFunc(silent)),
	}
	client := newClient(t, plain(time.Second), nil)
	r := client.Poll(t.Context(), pods)
	if r.Complete() || r.Reason() != discovery.PartlyAnswered || len(r.Failures) != 1 {
		t.Fatalf("%s %+v", r.Reason(), r)
	}
	if got, want := r.Message(), "2 of 3 ready pods answered; 1: no whole answer came in time"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Answers[0].Pod != "pod-0" || r.Answers[1].Pod != "pod-2" || r.Failures[0].Pod != "pod-1" {
		t.Errorf("not in order: %+v", r)
	}
	ftp := apply.Adapter{Type: "ftp", Port: 21, Protocol: "TCP"}
	m := discovery.Merge([]apply.Adapter{ftp}, r)
	if got, want := m.Active, []apply.Adapter{ftp, nfs.Normal(), smb.Normal()}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPollOnePodBehind(t *testing.T) {
	body := map[string]string{"pod-0": "both-running", "pod-1": "nfs-renumbered"}
	var mu sync.Mutex
	var pods []discovery.Pod
	for name := range body {
		pods = append(pods, serve(t, name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			says(recorded(t, body[name]))(w, r)
		})))
	}
	client := newClient(t, plain(time.Minute), nil)
	last := []apply.Adapter{nfs.Normal(), smb.Normal()}
	m := discovery.Merge(last, client.Poll(t.Context(), pods))
	if !slices.Equal(m.Active, last) || !slices.Equal(m.Disagreed, []string{"nfs"}) {
		t.Errorf("got %+v", m)
	}
	mu.Lock()
	body["pod-0"] = "nfs-renumbered"
	mu.Unlock()
	m = discovery.Merge(m.Active, client.Poll(t.Context(), pods))
	if !slices.Equal(m.Active, []apply.Adapter{nfsAt12050.Normal()}) || m.Disagreed != nil {
		t.Errorf("got %+v", m)
	}
}

func TestPollAsksSeveralAtOnce(t *testing.T) {
	const most = 8
	var mu sync.Mutex
	var now, peak int
	var total atomic.Int32
	full := make(chan struct{})
	pod := serve(t, "pod", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		peak = max(peak, now)
		mu.Unlock()
		defer func() {
			mu.Lock()
			now--
			mu.Unlock()
		}()
		if total.Add(1) == most {
			close(full)
		}
		select {
		case <-full:
		case <-r.Context().Done():
		}
		<-time.After(20 * time.Millisecond)
		says("[]")(w, r)
	}))
	var pods []discovery.Pod
	for i := range 100 {
		pods = append(pods, discovery.Pod{Name: fmt.Sprintf("pod-%03d", i), Address: pod.Address, Port: pod.Port})
	}
	r := newClient(t, plain(time.Minute), nil).Poll(t.Context(), pods)
	if !r.Complete() || len(r.Answers) != 100 || peak != most {
		t.Errorf("%s, %d at once", r.Message(), peak)
	}
	if !slices.IsSortedFunc(r.Answers, func(a, b discovery.Answer) int { return slices.Compare([]string{a.Pod}, []string{b.Pod}) }) {
		t.Error("not in order")
	}
}

func TestPollASlowPodDelaysNobody(t *testing.T) {
	pod := serve(t, "pod", http.HandlerFunc(silent))
	var pods []discovery.Pod
	for i := range 30 {
		pods = append(pods, discovery.Pod{Name: fmt.Sprint("pod-", i), Address: pod.Address, Port: pod.Port})
	}
	began := time.Now()
	r := newClient(t, plain(500*time.Millisecond), nil).Poll(t.Context(), pods)
	if r.Reason() != discovery.Timeout || r.Message() != "0 of 30 ready pods answered; 30: no whole answer came in time" {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("one waited for another: %s", took)
	}
}

func TestPollEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pod := serve(t, "pod-0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	pods := slices.Repeat([]discovery.Pod{pod}, 100)
	r := newClient(t, plain(time.Hour), nil).Poll(ctx, pods)
	if r.Reason() != discovery.Canceled || len(r.Failures) != 100 {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
}

func TestPollForNobody(t *testing.T) {
	r := newClient(t, plain(time.Minute), nil).Poll(t.Context(), nil)
	if r.Complete() || r.Reason() != discovery.NoReadyPods || r.Message() != "no pod is ready to be asked" {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
}

func TestResultReasons(t *testing.T) {
	pods := []discovery.Pod{serve(t, "pod-0", fails(500)), serve(t, "pod-1", fails(404)), serve(t, "pod-2", fails(500))}
	client := newClient(t, plain(time.Minute), withToken())
	r := client.Poll(t.Context(), pods)
	if r.Reason() != discovery.NotAnswered {
		t.Error(r.Reason())
	}
	want := "0 of 3 ready pods answered; 1: the path is not there (status 404); 2: the server failed (status 500)"
	if r.Message() != want {
		t.Errorf("got %q", r.Message())
	}
	checkSilent(t, r, r.Failures[0])
	answering := client.Poll(t.Context(), []discovery.Pod{serve(t, "pod-0", says("[]"))})
	if answering.Reason() != discovery.Answered || answering.Message() != "every ready pod answered" {
		t.Errorf("%s %s", answering.Reason(), answering.Message())
	}
}

func TestCondition(t *testing.T) {
	last := []apply.Adapter{active("nfs", 1)}
	two := func(failed int, port int64) discovery.Result {
		return polled(failed, []apply.Adapter{active("nfs", 1), active("", 7)}, []apply.Adapter{active("nfs", port), active("", 6+port)})
	}
	var many []apply.Adapter
	for i := range 65 {
		many = append(many, active(fmt.Sprint(i), int64(i+1)))
	}
	for name, c := range map[string]struct {
		polled  discovery.Result
		met     bool
		reason  discovery.Reason
		message string
	}{
		"all is well": {two(0, 1), true, discovery.Answered, "every ready pod answered"},
		"one behind": {
			two(0, 2), false, discovery.Disagreeing,
			"every ready pod answered; not all give the same number for adapter-nfs, an adapter that can have no port",
		},
		"one behind, one silent": {
			polled(1, []apply.Adapter{active("nfs", 2)}), false, discovery.PartlyAnswered,
			"1 of 2 ready pods answered; 1: no whole answer came in time; not all give the same number for adapter-nfs",
		},
		"too many": {
			polled(0, many), false, discovery.TooManyAdapters,
			"every ready pod answered; together they have more than 64 adapters, so nothing changes",
		},
		"nobody": {polled(0), false, discovery.NoReadyPods, "no pod is ready to be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			met, reason, message := discovery.Merge(last, c.polled).Condition(c.polled, true)
			if met != c.met || reason != c.reason || message != c.message {
				t.Errorf("got %t %s %q", met, reason, message)
			}
		})
	}
}

// TestConditionOfAnUnsteadyWorkload: what a workload lacks is reported after what
// its pods answered, and only where it lasts.
func TestConditionOfAnUnsteadyWorkload(t *testing.T) {
	last := []apply.Adapter{active("nfs", 1)}
	answered, other := polled(0, last), polled(0, []apply.Adapter{active("nfs", 2)})
	const (
		missing = "; pods ready: 1 of 2; no port is removed or renumbered until all are ready"
		rolling = "; no port is removed or renumbered until the rollout that is under way is complete"
	)
	for name, c := range map[string]struct {
		polled  discovery.Result
		is      discovery.Readiness
		at1st   discovery.Reason // where it does not last
		reason  discovery.Reason
		message string
	}{
		"steady":                {answered, discovery.Readiness{Ready: 2, Desired: 2}, "Answered", "Answered", "every ready pod answered"},
		"more than desired":     {answered, discovery.Readiness{Ready: 3, Desired: 2}, "Answered", "Answered", "every ready pod answered"},
		"a pod is not ready":    {answered, discovery.Readiness{Ready: 1, Desired: 2}, "Answered", "NotAllReady", "every ready pod answered" + missing},
		"in a rollout":          {answered, discovery.Readiness{Ready: 1, Desired: 2, RollingOut: true}, "Answered", "NotAllReady", "every ready pod answered" + missing},
		"in a rollout, a surge": {answered, discovery.Readiness{Ready: 3, Desired: 2, RollingOut: true}, "Answered", "RolloutUnderWay", "every ready pod answered" + rolling},
		"not observed":          {answered, discovery.Readiness{Ready: 2, Desired: 2, Unobserved: true}, "Answered", "Answered", "every ready pod answered"},
		"pods disagree": {
			other, discovery.Readiness{Ready: 1, Desired: 2}, "Disagreeing", "Disagreeing",
			"every ready pod answered; not all give the same number for adapter-nfs" + missing,
		},
		"one is silent": {
			polled(1, last), discovery.Readiness{Ready: 1, Desired: 2}, "PartlyAnswered", "PartlyAnswered",
			"1 of 2 ready pods answered; 1: no whole answer came in time" + missing,
		},
		"a pod waits for a port": {
			answered, discovery.Readiness{Desired: 1, Waiting: 1}, "Answered", "NotAllReady",
			"every asked pod answered; pods ready: 0 of 1; no port is removed or renumbered until all are ready",
		},
		"a pod waits, one is silent": {
			polled(1, last), discovery.Readiness{Ready: 1, Desired: 2, Waiting: 1}, "PartlyAnswered", "PartlyAnswered",
			"1 of 2 asked pods answered; 1: no whole answer came in time" + missing,
		},
		"no pod is ready": {polled(0), discovery.Readiness{Desired: 2}, "NoReadyPods", "NoReadyPods", "no pod is ready to be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			c.polled.Readiness = c.is
			merged := discovery.Merge(last, c.polled)
			if met, reason, message := merged.Condition(c.polled, true); met != (c.reason == discovery.Answered) || reason != c.reason || message != c.message {
				t.Errorf("got %t %s %q", met, reason, message)
			}
			if met, reason, _ := merged.Condition(c.polled, false); met != (c.at1st == discovery.Answered) || reason != c.at1st {
				t.Errorf("where it does not last: %t %s", met, reason)
			}
			if c.polled.Complete() != (c.is.Steady() && len(c.polled.Failures) == 0) {
				t.Errorf("complete: %t", c.polled.Complete())
			}
		})
	}
}
