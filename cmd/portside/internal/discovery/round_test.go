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
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

var (
	nfs        = apply.Adapter{Type: "nfs", Port: 12049}
	nfsAt12050 = apply.Adapter{Type: "nfs", Port: 12050}
	smb        = apply.Adapter{Type: "smb", Port: 1445}
)

// newClient returns a client with a token.
func newClient(t *testing.T, timeout time.Duration) *httpapi.Client {
	t.Helper()
	credentials, err := httpapi.ReadCredentials(map[string][]byte{"access-token": []byte("a-token")})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httpapi.Endpoint{Scheme: v1alpha1.SchemeHTTP, Path: dittofs.AdaptersPath, Timeout: timeout}
	client, err := httpapi.New(httpapi.Options{AllowLoopback: true}).Client("files", endpoint, credentials)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// poll asks all pods.
func poll(ctx context.Context, client *httpapi.Client, pods []discovery.Pod) discovery.Result {
	return discovery.NewPlaces().Ask(ctx, "storage", questions(client, pods))
}

// questions are those for the pods.
func questions(client *httpapi.Client, pods []discovery.Pod) []discovery.Question {
	var all []discovery.Question
	for _, pod := range pods {
		all = append(all, discovery.Question{Pod: pod.Name, Ask: func(ctx context.Context) ([]apply.Adapter, error) {
			return client.Ask(ctx, pod)
		}})
	}
	return all
}

func TestPollOneOfThreeSilent(t *testing.T) {
	pods := []discovery.Pod{
		servePod(t, "pod-2", dittofs.Recorded("both-running")),
		servePod(t, "pod-0", dittofs.Recorded("smb-disabled")),
		servePod(t, "pod-1", dittofs.Silent),
	}
	client := newClient(t, time.Second)
	r := poll(t.Context(), client, pods)
	if r.Complete() || r.Reason() != discovery.PartlyAnswered || len(r.Failures) != 1 {
		t.Fatalf("%s %+v", r.Reason(), r)
	}
	if got, want := r.Message(), "2 of 3 ready pods answered; 1: no complete answer within the timeout"; got != want {
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
	behind, err := dittofs.New(dittofs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	behind.Answer(dittofs.Recorded("both-running"))
	pods := []discovery.Pod{servePod(t, "pod-0", behind.ServeHTTP), servePod(t, "pod-1", dittofs.Recorded("nfs-renumbered"))}
	client := newClient(t, time.Minute)
	last := []apply.Adapter{nfs.Normal(), smb.Normal()}
	m := discovery.Merge(last, poll(t.Context(), client, pods))
	if !slices.Equal(m.Active, last) || !slices.Equal(m.Disagreed, []string{"nfs"}) {
		t.Errorf("got %+v", m)
	}
	behind.Answer(dittofs.Recorded("nfs-renumbered"))
	m = discovery.Merge(m.Active, poll(t.Context(), client, pods))
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
	pod := servePod(t, "pod", func(w http.ResponseWriter, r *http.Request) {
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
		dittofs.Body("[]")(w, r)
	})
	var pods []discovery.Pod
	for i := range 100 {
		pods = append(pods, discovery.Pod{Name: fmt.Sprintf("pod-%03d", i), Address: pod.Address, Port: pod.Port})
	}
	r := poll(t.Context(), newClient(t, time.Minute), pods)
	if !r.Complete() || len(r.Answers) != 100 || peak != most {
		t.Errorf("%s, %d at once", r.Message(), peak)
	}
	if !slices.IsSortedFunc(r.Answers, func(a, b discovery.PodAnswer) int { return slices.Compare([]string{a.Pod}, []string{b.Pod}) }) {
		t.Error("not in order")
	}
}

func TestPollSlowPods(t *testing.T) {
	pod := servePod(t, "pod", dittofs.Silent)
	var pods []discovery.Pod
	for i := range 30 {
		pods = append(pods, discovery.Pod{Name: fmt.Sprint("pod-", i), Address: pod.Address, Port: pod.Port})
	}
	began := time.Now()
	r := poll(t.Context(), newClient(t, 500*time.Millisecond), pods)
	if r.Reason() != discovery.Timeout || r.Message() != "0 of 30 ready pods answered; 30: no complete answer within the timeout" {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("one waited for another: %s", took)
	}
}

// TestPollBounds: targets of one namespace whose pods do not answer have a bounded
// number of connections, and hold up no other namespace.
func TestPollBounds(t *testing.T) {
	var mu sync.Mutex
	open := 0
	full := make(chan struct{})
	pod := servePod(t, "silent", func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if open++; open == 16 {
			close(full)
		}
		mu.Unlock()
		<-r.Context().Done()
	})
	var many []discovery.Pod
	for i := range 100 {
		many = append(many, discovery.Pod{Name: fmt.Sprintf("silent-%d", i), Address: pod.Address, Port: pod.Port})
	}
	places, client := discovery.NewPlaces(), newClient(t, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var polls sync.WaitGroup
	for range 4 {
		polls.Go(func() { places.Ask(ctx, "greedy", questions(client, many)) })
	}
	<-full
	honest := servePod(t, "honest", dittofs.Body("[]"))
	for range 10 {
		if r := places.Ask(ctx, "honest", questions(client, []discovery.Pod{honest})); !r.Complete() {
			t.Error(r.Message())
		}
	}
	mu.Lock()
	if open != 16 {
		t.Errorf("%d connections of one namespace", open)
	}
	mu.Unlock()
	cancel()
	polls.Wait()
}

func TestPollCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pod := servePod(t, "pod-0", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	pods := slices.Repeat([]discovery.Pod{pod}, 100)
	r := poll(ctx, newClient(t, time.Hour), pods)
	if r.Reason() != discovery.Canceled || len(r.Failures) != 100 {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
}

func TestPollWithoutPods(t *testing.T) {
	r := poll(t.Context(), newClient(t, time.Minute), nil)
	if r.Complete() || r.Reason() != discovery.NoReadyPods || r.Message() != "no pod is ready to be asked" {
		t.Errorf("%s %s", r.Reason(), r.Message())
	}
}

func TestResultReasons(t *testing.T) {
	pods := []discovery.Pod{servePod(t, "pod-0", dittofs.Status(500)), servePod(t, "pod-1", dittofs.Status(404)), servePod(t, "pod-2", dittofs.Status(500))}
	client := newClient(t, time.Minute)
	r := poll(t.Context(), client, pods)
	if r.Reason() != discovery.NotAnswered {
		t.Error(r.Reason())
	}
	want := "0 of 3 ready pods answered; 1: path not found (status 404); 2: the server failed (status 500)"
	if r.Message() != want {
		t.Errorf("got %q", r.Message())
	}
	answering := poll(t.Context(), client, []discovery.Pod{servePod(t, "pod-0", dittofs.Body("[]"))})
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
			"every ready pod answered; pods report different numbers for adapter-nfs, an adapter that can have no port",
		},
		"one behind, one silent": {
			polled(1, []apply.Adapter{active("nfs", 2)}), false, discovery.PartlyAnswered,
			"1 of 2 ready pods answered; 1: no complete answer within the timeout; pods report different numbers for adapter-nfs",
		},
		"too many": {
			polled(0, many), false, discovery.TooManyAdapters,
			"every ready pod answered; together they have more than 64 adapters, so nothing changes",
		},
		"no pods": {polled(0), false, discovery.NoReadyPods, "no pod is ready to be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			got := discovery.Merge(last, c.polled).Condition(c.polled, true)
			if got.Met != c.met || got.Reason != c.reason || got.Message != c.message {
				t.Errorf("got %+v", got)
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
			"every ready pod answered; pods report different numbers for adapter-nfs" + missing,
		},
		"one is silent": {
			polled(1, last), discovery.Readiness{Ready: 1, Desired: 2}, "PartlyAnswered", "PartlyAnswered",
			"1 of 2 ready pods answered; 1: no complete answer within the timeout" + missing,
		},
		"a pod waits for a port": {
			answered, discovery.Readiness{Desired: 1, Waiting: 1}, "Answered", "NotAllReady",
			"every asked pod answered; pods ready: 0 of 1; no port is removed or renumbered until all are ready",
		},
		"a pod waits, one is silent": {
			polled(1, last), discovery.Readiness{Ready: 1, Desired: 2, Waiting: 1}, "PartlyAnswered", "PartlyAnswered",
			"1 of 2 asked pods answered; 1: no complete answer within the timeout" + missing,
		},
		"no pod is ready": {polled(0), discovery.Readiness{Desired: 2}, "NoReadyPods", "NoReadyPods", "no pod is ready to be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			c.polled.Readiness = c.is
			merged := discovery.Merge(last, c.polled)
			if got := merged.Condition(c.polled, true); got.Met != (c.reason == discovery.Answered) || got.Reason != c.reason || got.Message != c.message {
				t.Errorf("got %+v", got)
			}
			if got := merged.Condition(c.polled, false); got.Met != (c.at1st == discovery.Answered) || got.Reason != c.at1st {
				t.Errorf("where it does not last: %+v", got)
			}
			if c.polled.Complete() != (c.is.Steady() && len(c.polled.Failures) == 0) {
				t.Errorf("complete: %t", c.polled.Complete())
			}
		})
	}
}
