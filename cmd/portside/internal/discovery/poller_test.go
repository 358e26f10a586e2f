package discovery_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	testclock "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

func TestPollerSpreadsPolls(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		const targets, step = 200, 250 * time.Millisecond
		name := func(i int) workload.Target {
			return workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: fmt.Sprint(i)}
		}
		for i := range targets {
			s.Ask(name(i), question(types.UID(fmt.Sprint("uid-", i))))
		}
		s.advance(4*interval, step)
		inSecond := map[time.Duration]int{}
		for i := range targets {
			polls := s.polled(name(i))
			if len(polls) < 3 || polls[0].at > interval {
				t.Fatalf("target %d was polled at %v", i, polls)
			}
			for n, p := range polls {
				inSecond[p.at.Truncate(time.Second)]++
				if n == 0 {
					continue
				}
				if gap := p.at - polls[n-1].at; gap < interval || gap > interval+interval/10+step {
					t.Errorf("target %d was polled %s after the last time", i, gap)
				}
			}
		}
		for second, n := range inSecond {
			if n > 5*targets/int(interval/time.Second) {
				t.Errorf("%d of %d targets were polled in second %s", n, targets, second)
			}
		}
	})
}

// TestPollerSlowPod: a pod that does not answer delays no other target.
func TestPollerSlowPod(t *testing.T) {
	slow, fast := workload.Target{Kind: workload.StatefulSet, Name: "slow"}, workload.Target{Kind: workload.StatefulSet, Name: "fast"}
	asked := make(chan struct{}, 1)
	pods := podsOf{
		slow: serve(t, func(_ http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
		}),
		fast: serve(t, dittofs.Body("[]")),
	}
	clock := testclock.NewFakeClock(time.Now())
	var polls atomic.Int32
	s := &stage{asked: map[workload.Target]query{}, api: httpapi.New(httpapi.Options{AllowLoopback: true, Pods: pods})}
	s.Poller = discovery.NewPoller(discovery.Options{
		Clock:   clock,
		Changed: func(workload.Target) {},
		Observe: func(t workload.Target, _ discovery.Reason, _ time.Duration) {
			if t == fast {
				polls.Add(1)
			}
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Start(ctx) }()
	long := question("slow")
	long.HTTP.TimeoutSeconds = new(int32(3600))
	s.Ask(slow, long)
	testenv.Eventually(t, "the slow pod is asked", func(context.Context) error {
		clock.Step(interval)
		select {
		case <-asked:
			return nil
		default:
			return fmt.Errorf("not yet")
		}
	})
	s.Ask(fast, question("fast"))
	testenv.Eventually(t, "the fast pod was asked ten times", func(context.Context) error {
		clock.Step(interval)
		if n := polls.Load(); n < 10 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	if a, answered := s.Answer(slow); answered {
		t.Errorf("the slow pod answered: %+v", a)
	}
	stop() // it ends the question too
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// podsOf are the pods of targets, one each.
type podsOf map[workload.Target]discovery.Pod

func (p podsOf) Find(_ context.Context, w discovery.Workload, _ intstr.IntOrString) ([]discovery.Pod, discovery.Readiness, error) {
	return []discovery.Pod{p[w.Target]}, discovery.Readiness{}, nil
}

func (podsOf) Forget(types.UID) {}

func TestPollerBacksOffFromRefusals(t *testing.T) {
	var refuse atomic.Bool
	refuse.Store(true)
	pod := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		dittofs.Body("[]")(w, r)
	})
	play(t, func(t *testing.T, s *stage) {
		s.finder.finds(pod)
		s.Ask(files, question("uid"))
		s.next(t, files, 7)
		refuse.Store(false)
		s.next(t, files, 3)
		polls := s.polled(files)
		for i, times := range []int{2, 4, 8, 16, 16, 16, 16, 1, 1} {
			gap := polls[i+1].at - polls[i].at
			if least := time.Duration(times) * interval; gap < least || gap > least+least/10+time.Second {
				t.Errorf("poll %d came %s after the last, %s, not %d intervals", i+2, gap, polls[i].reason, times)
			}
		}
		if last := polls[len(polls)-1].reason; last != discovery.Answered {
			t.Errorf("the last poll was %s", last)
		}
	})
}

func TestPollerForget(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		others := goleak.IgnoreCurrent()
		s.Ask(files, question("uid"))
		s.next(t, files, 2)
		s.Forget(files)
		synctest.Wait()
		if err := goleak.Find(others); err != nil {
			t.Error(err)
		}
		s.advance(4*interval, interval)
		if n := len(s.polled(files)); n != 2 {
			t.Errorf("it was polled %d times", n)
		}
		if _, answered := s.Answer(files); answered {
			t.Error("its answer is kept")
		}
		if got := fmt.Sprint(s.finder.forgotten()); got != "[uid]" {
			t.Errorf("forgotten: %s", got)
		}
	})
}

// TestPollerForgetDuringPoll: the answer of a poll under way is not reported once
// its target is forgotten, and what is kept of the workload is dropped after it.
func TestPollerForgetDuringPoll(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.finder.hold = make(chan struct{})
		s.Ask(files, question("uid"))
		s.advance(interval, time.Second)
		s.Forget(files)
		synctest.Wait()
		if changed, _ := s.counts(); changed != 0 || len(s.polled(files)) != 0 {
			t.Errorf("%d changes and polls %v", changed, s.polled(files))
		}
		if got := fmt.Sprint(s.finder.forgotten()); got != "[uid]" {
			t.Errorf("forgotten: %s", got)
		}
	})
}

func TestPollerAnotherQuery(t *testing.T) {
	pod := serve(t, dittofs.Adapters("nfs:12049"))
	play(t, func(t *testing.T, s *stage) {
		s.finder.finds(pod)
		s.Ask(files, question("uid"))
		s.next(t, files, 1)
		s.advance(interval-2*time.Second, time.Second)
		s.Ask(files, question("uid")) // the same, which does not begin again
		s.next(t, files, 1)
		if polls := s.polled(files); polls[1].at-polls[0].at > interval+interval/10+time.Second {
			t.Errorf("polled at %v", polls)
		}

		another := question("uid")
		another.HTTP.Path = "/others"
		s.Ask(files, another)
		synctest.Wait()
		if a, answered := s.Answer(files); !answered || len(a.Active) != 1 {
			t.Errorf("the answer is lost: %+v", a)
		}
		if got := s.finder.forgotten(); len(got) != 0 {
			t.Errorf("forgotten: %s", got)
		}

		s.Ask(files, question("another workload"))
		synctest.Wait()
		if a, answered := s.Answer(files); answered || a.Active != nil {
			t.Errorf("another workload has the answer of the one before: %+v", a)
		}
		if got := fmt.Sprint(s.finder.forgotten()); got != "[uid]" {
			t.Errorf("forgotten: %s", got)
		}
		s.next(t, files, 1)
		if _, answered := s.Answer(files); !answered {
			t.Error("the other workload was not asked")
		}
	})
}

// TestPollerPollNow polls at once, and the next time an interval later.
func TestPollerPollNow(t *testing.T) {
	t.Run("while none is under way", func(t *testing.T) {
		play(t, func(t *testing.T, s *stage) {
			s.Ask(files, question("uid"))
			s.next(t, files, 2)
			s.advance(interval/2, time.Second)
			s.PollNow(files)
			s.advance(10*interval, time.Second)
			polls := s.polled(files)
			if gap := polls[2].at - polls[1].at; gap != interval/2 {
				t.Errorf("it was polled after %s", gap)
			}
			for i := 3; i < len(polls); i++ {
				if gap := polls[i].at - polls[i-1].at; gap < interval || gap > interval+interval/10+time.Second {
					t.Errorf("poll %d came %s after the one before", i, gap)
				}
			}
		})
	})
	t.Run("during a poll", func(t *testing.T) {
		play(t, func(t *testing.T, s *stage) {
			s.finder.hold = make(chan struct{})
			s.Ask(files, question("uid"))
			s.advance(interval, time.Second)
			s.PollNow(files)
			s.PollNow(files)
			close(s.finder.hold)
			synctest.Wait()
			if n := len(s.polled(files)); n != 2 {
				t.Errorf("it was polled %d times", n)
			}
		})
	})
	t.Run("reports its end", func(t *testing.T) {
		play(t, func(t *testing.T, s *stage) {
			s.Ask(files, question("uid"))
			s.next(t, files, 2)
			requested := func() bool { answer, _ := s.Answer(files); return answer.Requested }
			s.finder.hold = make(chan struct{})
			s.advance(interval, time.Second) // a poll that began before the request
			before, _ := s.counts()
			s.PollNow(files)
			if !requested() {
				t.Error("the request is not pending")
			}
			close(s.finder.hold)
			synctest.Wait()
			if after, _ := s.counts(); requested() || after == before {
				t.Errorf("pending: %t; Changed was called %d times", requested(), after-before)
			}
		})
	})
	t.Run("of a target that is not polled", func(t *testing.T) {
		play(t, func(t *testing.T, s *stage) {
			if s.PollNow(files) {
				t.Error("it reports that it polls")
			}
			s.advance(interval, time.Second)
			if n := len(s.polled(files)); n != 0 {
				t.Errorf("it was polled %d times", n)
			}
		})
	})
}

func TestPollerBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		s.Ask(files, question("uid"))
		s.advance(2*interval, time.Second)
		if n := len(s.polled(files)); n != 0 {
			t.Errorf("polled %d times before Start", n)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Start(ctx) }()
		synctest.Wait()
		s.next(t, files, 1)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.Ask(workload.Target{Name: "late"}, question("late")) // begins nothing: the bubble ends
	})
}
