package discovery_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// funcSource is a source that calls a function: a further kind of source is no
// more than this.
type funcSource struct {
	every time.Duration
	ask   func(ctx context.Context) ([]apply.Adapter, error)
}

// Interval implements discovery.Source.
func (f *funcSource) Interval() time.Duration { return f.every }

// Questions implements discovery.Source.
func (f *funcSource) Questions(context.Context, discovery.Workload) ([]discovery.Question, discovery.Readiness, error) {
	return []discovery.Question{{Ask: f.ask}}, discovery.Readiness{}, nil
}

// observe has a target polled, and returns the latest answer.
func (s *stage) observe(t workload.Target, source discovery.Source) (discovery.Answer, bool) {
	return s.Poller.Answer(context.Background(), discovery.Query{
		Workload: discovery.Workload{Target: t, UID: types.UID(t.Name)}, Source: source,
		InPlace: func() []apply.Adapter { return []apply.Adapter{} }, Steady: true,
	})
}

func TestSources(t *testing.T) {
	var toy discovery.Source = &funcSource{}
	sources := discovery.Sources{
		func(set *v1alpha1.AdapterSet) (discovery.Source, error) {
			if set.Name == "toy" {
				return toy, nil
			}
			return nil, nil
		},
		discovery.Declared, new(httpapi.API).Source,
	}
	http := &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{Path: "/adapters"}}
	const (
		noSource = "cannot find out which adapters are active: "
		lost     = noSource + "spec.discovery was removed and spec.adapters is not set; "
		unknown  = noSource + "spec.discovery names no source that this version of portside knows; "
	)
	for _, c := range []struct {
		name       string
		spec       v1alpha1.AdapterSetSpec
		discovered bool
		want       []apply.Adapter // declared
		err        string
	}{
		{name: "declares adapters", spec: v1alpha1.AdapterSetSpec{Adapters: []v1alpha1.Adapter{{Type: "nfs", Port: 1}}}, want: []apply.Adapter{{Type: "nfs", Port: 1}}},
		{name: "declares no adapters", spec: v1alpha1.AdapterSetSpec{Adapters: []v1alpha1.Adapter{}}, want: []apply.Adapter{}},
		{name: "has given up its last adapter", want: []apply.Adapter{}},
		{name: "declares no adapters after discovery", spec: v1alpha1.AdapterSetSpec{Adapters: []v1alpha1.Adapter{}}, discovered: true, want: []apply.Adapter{}},
		{name: "asks over HTTP", spec: v1alpha1.AdapterSetSpec{Discovery: http}},
		{name: "asks over HTTP again", spec: v1alpha1.AdapterSetSpec{Discovery: http}, discovered: true},
		{name: "toy", spec: v1alpha1.AdapterSetSpec{Discovery: http}},
		{name: "lost its source", discovered: true, err: lost},
		{name: "names an unknown source", spec: v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{}}, err: unknown},
		{name: "names an unknown source and adapters", spec: v1alpha1.AdapterSetSpec{Discovery: &v1alpha1.Discovery{}, Adapters: []v1alpha1.Adapter{}}, err: unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, err := sources.Of(&v1alpha1.AdapterSet{
				ObjectMeta: metav1.ObjectMeta{Name: c.name}, Spec: c.spec,
			}, c.discovered)
			switch {
			case c.err != "":
				if err == nil || source != nil || !strings.HasPrefix(err.Error(), c.err+"the ports stay as they are. ") {
					t.Errorf("got %v, %v", source, err)
				}
				return
			case err != nil:
				t.Fatal(err)
			case c.want == nil:
				if _, isToy := source.(*funcSource); isToy != (c.name == "toy") || !isToy && fmt.Sprint(source) != "GET /adapters" {
					t.Errorf("got %v", source)
				}
				return
			}
			answer, answered := newStage().observe(files, source)
			if !answered || !answer.Complete || answer.Active == nil || !slices.Equal(answer.Active, c.want) || answer.Condition != (discovery.Condition{}) {
				t.Errorf("got %+v, %t", answer, answered)
			}
		})
	}
}

// TestPollerOfAnotherSource polls a source that package discovery does not know.
func TestPollerOfAnotherSource(t *testing.T) {
	running, failure := []apply.Adapter{{Type: "nfs", Port: 12049, Protocol: "TCP"}}, error(nil)
	source := &funcSource{every: interval, ask: func(context.Context) ([]apply.Adapter, error) { return running, failure }}
	play(t, func(t *testing.T, s *stage) {
		expect := func(active int, complete bool, condition discovery.Condition) {
			t.Helper()
			s.next(t, files, 1)
			a, answered := s.observe(files, source)
			if !answered || len(a.Active) != active || a.Complete != complete || a.Condition != condition {
				t.Errorf("got %+v, %t", a, answered)
			}
		}
		if a, answered := s.observe(files, source); answered || a.Active != nil {
			t.Errorf("before the first poll: %+v", a)
		}
		expect(1, true, discovery.Condition{Met: true, Reason: discovery.Answered, Message: "every ready pod answered"})
		failure = &discovery.Error{Reason: "ConfigMapMissing", Message: "no such ConfigMap"}
		expect(1, false, discovery.Condition{Reason: "ConfigMapMissing", Message: "0 of 1 ready pods answered; 1: no such ConfigMap"})
		failure = fmt.Errorf("read tcp 10.0.0.1:%d: connection reset", 4711)
		expect(1, false, discovery.Condition{Reason: discovery.NotAnswered, Message: "0 of 1 ready pods answered; 1: the source did not answer"})
		running, failure = nil, nil
		expect(0, true, discovery.Condition{Met: true, Reason: discovery.Answered, Message: "every ready pod answered"})
		for i := range 65 {
			running = append(running, apply.Adapter{Type: fmt.Sprint(i), Port: int64(i + 1), Protocol: "TCP"})
		}
		expect(0, false, discovery.Condition{Reason: discovery.TooManyAdapters, Message: "every ready pod answered; together they have more than 64 adapters, so nothing changes"})
	})
}

// TestPollerOfSlowSources: a thousand targets of one namespace whose source does not
// answer have a bounded number of goroutines, and delay no other namespace.
func TestPollerOfSlowSources(t *testing.T) {
	const targets = 1000
	var asked atomic.Int32
	slow := &funcSource{every: interval, ask: func(ctx context.Context) ([]apply.Adapter, error) {
		asked.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	prompt := &funcSource{every: interval, ask: func(context.Context) ([]apply.Adapter, error) { return nil, nil }}
	play(t, func(t *testing.T, s *stage) {
		before := runtime.NumGoroutine()
		for i := range targets {
			s.observe(workload.Target{Namespace: "greedy", Name: fmt.Sprint("slow-", i)}, slow)
		}
		s.observe(files, prompt)
		s.advance(10*interval, time.Second)
		if n := len(s.polled(files)); n < 9 {
			t.Errorf("it was polled %d times in ten intervals", n)
		}
		if n := asked.Load(); n != 16 {
			t.Errorf("%d sources of the namespace were asked", n)
		}
		synctest.Wait()
		if more := runtime.NumGoroutine() - before; more > 32 {
			t.Errorf("there are %d more goroutines", more)
		}
	})
}
