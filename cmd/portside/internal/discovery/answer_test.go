package discovery_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestPollerUnchangedAnswer: an answer that stays the same is reported once.
func TestPollerUnchangedAnswer(t *testing.T) {
	var round atomic.Int64
	// What differs from answer to answer is not read.
	pod := serve(t, func(w http.ResponseWriter, r *http.Request) {
		dittofs.Body(fmt.Sprintf(`[{"type":"nfs","port":12049,"enabled":true,"running":true,"checked_at":%d}]`, round.Add(1)))(w, r)
	})
	for name, find := range map[string]func(f *finder){
		"the pods answer": func(f *finder) { f.finds(pod) },
		"no pod is ready": func(f *finder) { f.finds() },
		"the API server does not answer": func(f *finder) {
			f.fails(func() error { return fmt.Errorf("read tcp 10.0.0.1:%d: connection reset by peer", round.Add(1)) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				find(s.finder)
				s.Ask(files, question("uid"))
				s.next(t, files, 1)
				first, _ := s.Answer(files)
				s.next(t, files, 99)
				last, _ := s.Answer(files)
				if changed, _ := s.counts(); changed != 1 {
					t.Errorf("100 polls reported %d changes", changed)
				}
				if fmt.Sprint(first) != fmt.Sprint(last) {
					t.Errorf("the first answer is %+v, the last %+v", first, last)
				}
			})
		})
	}
}

func TestPollerKeepsLastGoodAnswer(t *testing.T) {
	pod, other := serve(t, dittofs.Adapters("nfs:12049")), serve(t, dittofs.Body("<html>"))
	play(t, func(t *testing.T, s *stage) {
		s.finder.fails(func() error { return errors.New("no route to 10.0.0.1:6443") })
		s.Ask(files, question("uid"))
		s.next(t, files, 1)
		if a, _ := s.Answer(files); a.Active != nil || a.Met || a.Reason != discovery.PodsUnknown {
			t.Errorf("before the first answer: %+v", a)
		}
		s.finder.finds(pod)
		s.next(t, files, 1)
		good, _ := s.Answer(files)
		if want := (apply.Adapter{Type: "nfs", Port: 12049, Protocol: "TCP"}); len(good.Active) != 1 || good.Active[0] != want || !good.Met {
			t.Errorf("the good answer: %+v", good)
		}
		for _, fail := range []func(){
			func() { s.finder.fails(func() error { return errors.New("no route to 10.0.0.1:6443") }) },
			func() { s.finder.finds() },
			func() { s.finder.finds(other) },
		} {
			fail()
			s.next(t, files, 1)
			a, _ := s.Answer(files)
			if a.Met || fmt.Sprint(a.Active) != fmt.Sprint(good.Active) {
				t.Errorf("%s: %+v", a.Reason, a)
			}
			if strings.Contains(a.Message, "10.0.0.1") {
				t.Errorf("the message quotes an address: %s", a.Message)
			}
		}
	})
}

// TestPollerPartialAnswerAfterRestart: a pod that does not answer may serve a port
// that is in place, also before the first answer in this process.
func TestPollerPartialAnswerAfterRestart(t *testing.T) {
	answering, silent := serve(t, dittofs.Adapters("nfs:12049")), serve(t, dittofs.Body("<html>"))
	silent.Name = "files-1"
	smb := apply.Adapter{Type: "smb", Port: 1445, Protocol: "TCP"}
	play(t, func(t *testing.T, s *stage) {
		q := question("uid")
		q.Standing = []apply.Adapter{smb}
		s.finder.finds(silent)
		s.Ask(files, q)
		s.next(t, files, 1)
		if a, _ := s.Answer(files); a.Active != nil {
			t.Errorf("without an answer: %+v", a)
		}
		s.finder.finds(answering, silent)
		s.next(t, files, 1)
		if a, _ := s.Answer(files); len(a.Active) != 2 || a.Active[0] != smb || a.Reason != discovery.PartlyAnswered {
			t.Errorf("one of two answered: %+v", a)
		}
		s.finder.finds(answering)
		s.next(t, files, 1)
		if a, _ := s.Answer(files); len(a.Active) != 1 || a.Active[0].Type != "nfs" {
			t.Errorf("all answered: %+v", a)
		}
	})
}

// TestAnswerComplete: an answer is complete while the latest poll was, and the
// workload has been steady since it began.
func TestAnswerComplete(t *testing.T) {
	answering, silent := serve(t, dittofs.Adapters("nfs:12049")), serve(t, dittofs.Body("<html>"))
	silent.Name = "files-1"
	play(t, func(t *testing.T, s *stage) {
		expect := func(when string, complete bool, reason discovery.Reason) {
			t.Helper()
			if a, _ := s.Answer(files); a.Complete != complete || a.Reason != reason {
				t.Errorf("%s: complete %t, %s", when, a.Complete, a.Reason)
			}
		}
		s.finder.finds(answering)
		s.Ask(files, question("uid"))
		expect("before the first poll", false, "")
		s.next(t, files, 1)
		expect("all answered", true, discovery.Answered)
		s.finder.finds(answering, silent)
		s.next(t, files, 1)
		expect("one of two answered", false, discovery.PartlyAnswered)
		s.finder.fails(func() error { return errors.New("no") })
		s.next(t, files, 1)
		expect("the pods are not known", false, discovery.PodsUnknown)
		s.finder.finds(answering)
		s.next(t, files, 1)
		expect("all answer again", true, discovery.Answered)

		s.finder.sees(discovery.Readiness{Ready: 1, Desired: 2})
		s.next(t, files, 1)
		expect("a pod is missing", false, discovery.Answered)
		s.next(t, files, 1)
		expect("it is still missing", false, discovery.NotAllReady)
		s.finder.sees(discovery.Readiness{Ready: 2, Desired: 2, RollingOut: true})
		s.next(t, files, 1)
		expect("a rollout after it", false, discovery.RolloutUnderWay)
		s.finder.sees(discovery.Readiness{Ready: 2, Desired: 2})
		s.next(t, files, 1)
		expect("steady again", true, discovery.Answered)

		s.Outdate(files)
		expect("the workload was not steady", false, discovery.Answered)
		changed, _ := s.counts()
		s.next(t, files, 1)
		expect("asked again", true, discovery.Answered)
		if now, _ := s.counts(); now != changed+1 {
			t.Errorf("%d changes were reported for a poll that is complete again", now-changed)
		}

		another := question("uid")
		another.HTTP.Path = "/others"
		s.Ask(files, another)
		expect("another question", false, discovery.Answered)
		s.next(t, files, 1)
		expect("and its answer", true, discovery.Answered)
	})
}

// TestAnswerCompleteOutdatedDuringPoll: the answer of a poll is not complete if the
// workload was not steady meanwhile.
func TestAnswerCompleteOutdatedDuringPoll(t *testing.T) {
	pod := serve(t, dittofs.Adapters("nfs:12049"))
	play(t, func(t *testing.T, s *stage) {
		s.finder.finds(pod)
		s.finder.hold = make(chan struct{})
		s.Ask(files, question("uid"))
		s.advance(interval, time.Second)
		s.Outdate(files)
		close(s.finder.hold)
		s.next(t, files, 1)
		if a, _ := s.Answer(files); a.Complete || len(a.Active) != 1 {
			t.Errorf("got %+v", a)
		}
		s.next(t, files, 1)
		if a, _ := s.Answer(files); !a.Complete {
			t.Errorf("the next: %+v", a)
		}
	})
}

// TestPollerReportsUnsteadyAtFirstPoll: a workload that is not steady at the first
// poll may have been so for long, and is reported at once.
func TestPollerReportsUnsteadyAtFirstPoll(t *testing.T) {
	pod := serve(t, dittofs.Adapters("nfs:12049"))
	play(t, func(t *testing.T, s *stage) {
		s.finder.finds(pod)
		s.finder.sees(discovery.Readiness{Ready: 1, Desired: 2})
		s.Ask(files, question("uid"))
		s.next(t, files, 1)
		if a, _ := s.Answer(files); a.Met || a.Reason != discovery.NotAllReady {
			t.Errorf("got %+v", a)
		}
	})
}

func TestSecretIsReadForEachPoll(t *testing.T) {
	var sent atomic.Value
	pod := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		dittofs.Body("[]")(w, r)
	})
	play(t, func(t *testing.T, s *stage) {
		s.finder.finds(pod)
		s.Ask(files, withCredentials(question("uid")))
		for i := range 5 {
			token := fmt.Sprint("token-", i)
			s.holds(func() (*corev1.Secret, error) { return secret("true", token), nil })
			s.next(t, files, 1)
			if got := sent.Load(); got != "Bearer "+token {
				t.Errorf("poll %d was made with %q", i+1, got)
			}
		}
		if _, read := s.counts(); read != 5 {
			t.Errorf("the Secret was read %d times for 5 polls", read)
		}
	})
}

func TestUnusableSecret(t *testing.T) {
	var asked atomic.Int32
	pod := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	name := schema.GroupResource{Resource: "secrets"}
	var round int
	for _, c := range []struct {
		reason discovery.Reason
		get    func() (*corev1.Secret, error)
	}{
		{discovery.CredentialsMissing, func() (*corev1.Secret, error) { return nil, apierrors.NewNotFound(name, "access") }},
		{discovery.CredentialsNotLabelled, func() (*corev1.Secret, error) { return secret("false", "a-token"), nil }},
		{discovery.CredentialsNotLabelled, func() (*corev1.Secret, error) { return secret("", "a-token"), nil }},
		{discovery.CredentialsUnreadable, func() (*corev1.Secret, error) {
			round++
			return nil, fmt.Errorf("read tcp 10.0.0.1:%d: connection reset by peer", round)
		}},
		{discovery.CredentialsForbidden, func() (*corev1.Secret, error) {
			return nil, apierrors.NewForbidden(name, "access", errors.New(`User "token-1" cannot get it`))
		}},
		{discovery.CredentialsInvalid, func() (*corev1.Secret, error) { return secret("true", "a token"), nil }},
		{discovery.CredentialsMissing, func() (*corev1.Secret, error) { return secret("true", ""), nil }},
	} {
		t.Run(string(c.reason), func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.finder.finds(pod)
				s.holds(c.get)
				s.Ask(files, withCredentials(question("uid")))
				s.next(t, files, 3)
				a, _ := s.Answer(files)
				if a.Met || a.Reason != c.reason || strings.Contains(a.Message, "token-") || strings.Contains(a.Message, "10.0.0.1") {
					t.Errorf("got %+v", a)
				}
				want := 1
				if c.reason.NeedsAction() {
					want++ // the third failure stalls the target
				}
				if changed, _ := s.counts(); changed != want {
					t.Errorf("%d changes were reported, not %d", changed, want)
				}
			})
		})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the pod was asked %d times", n)
	}
}
