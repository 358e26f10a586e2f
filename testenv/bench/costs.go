package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// The figures of the service that compare with a single reconcile of the other ways.
const (
	figWorkloadRequests = nameService + ": requests to the workload"
	figWorkloadBytes    = nameService + ": bytes sent to the workload"
	figUnchanged        = nameService + ": requests without a change"
)

// costs measures what a change of an adapter costs the API server: the requests of
// the service and the bytes that it sends, status and events included, as a proxy
// in between counts them. Then another manager changes each of the same workloads, but
// none of their ports, and the requests that follow are counted.
func (b *serviceBench) costs(ctx context.Context) (group, error) {
	g := group{
		Title: fmt.Sprintf("what a change of an adapter costs, of %d one at a time", min(changed, b.targets)),
		Note:  "with the status and the events that follow, but where the workload is named",
	}
	for _, s := range []*service{b.service, b.old} {
		if s == nil {
			continue
		}
		b.progress("the service, what a change costs: " + s.name)
		figures, err := b.costsOf(ctx, s)
		if err != nil {
			return g, err
		}
		g.Figures = append(g.Figures, figures...)
	}
	return g, nil
}

func (b *serviceBench) costsOf(ctx context.Context, s *service) (figures []figure, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	var toWorkloads, bytes atomic.Int64
	proxy, err := testenv.NewProxy(b.cp.Config(), testenv.ProxyHooks{OnRequest: func(request *http.Request) {
		if single(request, "statefulsets") {
			toWorkloads.Add(1)
			bytes.Add(max(request.ContentLength, 0))
		}
	}})
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	c, err := startChild(s.binary, proxy.Config(), s.fleet.namespace)
	if err != nil {
		return nil, err
	}
	defer func() {
		_, stopErr := c.stop()
		err = errors.Join(err, stopErr)
	}()
	if _, err := c.ready(ctx); err != nil {
		return nil, err
	}
	if _, err := c.rest(ctx, b.targets); err != nil {
		return nil, err
	}
	proxy.Reset()
	toWorkloads.Store(0)
	bytes.Store(0)
	n := min(changed, b.targets)
	for _, turns := range []int{1, 0} {
		for i := range n {
			if err := s.declare(ctx, i, s.fleet.turn+turns); err != nil {
				return nil, err
			}
		}
		if _, err := c.rest(ctx, b.targets); err != nil {
			return nil, err
		}
	}
	per := func(what string, total int) figure {
		return figureOf(s.name+": "+what, []float64{float64(total) / float64(2*n)})
	}
	figures = []figure{
		per("requests", proxy.Total()), per(testenv.VerbApply, proxy.Count(testenv.VerbApply)), per(testenv.VerbPost, proxy.Count(testenv.VerbPost)),
		per(testenv.VerbGet, proxy.Count(testenv.VerbGet)), per("bytes sent", int(proxy.BytesSent())),
		per("requests to the workload", int(toWorkloads.Load())), per("bytes sent to the workload", int(bytes.Load())),
	}
	proxy.Reset()
	for i := range n {
		if err := s.annotate(ctx, i); err != nil {
			return nil, err
		}
	}
	_, err = c.rest(ctx, b.targets)
	return append(figures, figureOf(s.name+": requests without a change", []float64{float64(proxy.Total()) / float64(n)})), err
}

// single reports whether a request reads or writes one object of a resource.
func single(request *http.Request, resource string) bool {
	return slices.ContainsFunc(singleVerbs, func(verb string) bool { return testenv.Is(verb, resource)(request) })
}

// singleVerbs are the verbs of requests for one object.
var singleVerbs = []string{testenv.VerbGet, testenv.VerbApply, testenv.VerbPatch, testenv.VerbPut, testenv.VerbPost, testenv.VerbDelete}

// annotate has another manager change a workload and none of its ports.
func (s *service) annotate(ctx context.Context, i int) error {
	_, err := s.git.Patch(ctx, workload.StatefulSet.Kind, s.fleet.namespace, s.fleet.names[i], types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"example.com/changed":"true"}}}`))
	return err
}
