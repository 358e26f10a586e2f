package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// The figures of Services with an expectation.
const (
	figServiceRequests  = "requests to a Service for a change"
	figServiceBytes     = "bytes of the largest of them"
	figServiceUnchanged = "requests to a Service that is unchanged"
)

// services measures what a change of a Service port costs: the requests to the Service
// and the bytes that these send. The ports lead to the adapter's number, so that each
// adapter that is renumbered changes one port of its Service.
func (b *serviceBench) services(ctx context.Context) (g group, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	s, n := b.service, min(changed, b.targets)
	g.Title = fmt.Sprintf("what a change of a Service port costs, of %d one at a time", n)
	g.Note = "the Service has two ports of adapters and one of its owner"
	b.progress("the service, what a change of a Service costs")
	var largest atomic.Int64
	isApply := testenv.Is(testenv.VerbApply, "services")
	proxy, err := testenv.NewProxy(b.cp.Config(), testenv.ProxyHooks{OnRequest: func(request *http.Request) {
		for size := request.ContentLength; isApply(request); {
			if was := largest.Load(); size <= was || largest.CompareAndSwap(was, size) {
				return
			}
		}
	}})
	if err != nil {
		return g, err
	}
	defer proxy.Close()
	for i := range n {
		if err := s.expose(ctx, i); err != nil {
			return g, err
		}
	}
	c, err := startChild(s.binary, proxy.Config(), s.fleet.namespace, "--services")
	if err != nil {
		return g, err
	}
	defer func() {
		_, stopErr := c.stop()
		err = errors.Join(err, stopErr)
	}()
	if _, err := c.ready(ctx); err != nil {
		return g, err
	}
	if _, err := c.rest(ctx, b.targets); err != nil {
		return g, err
	}

	requests := func(change func(i int) error) (int, error) {
		proxy.Reset()
		for i := range n {
			if err := change(i); err != nil {
				return 0, err
			}
		}
		_, err := c.rest(ctx, b.targets)
		return toServices(proxy), err
	}
	largest.Store(0)
	total := 0
	for _, turns := range []int{1, 0} {
		sent, err := requests(func(i int) error { return s.declare(ctx, i, s.fleet.turn+turns) })
		if err != nil {
			return g, err
		}
		total += sent
	}
	unchanged, err := requests(func(i int) error { return s.label(ctx, i) })
	if err != nil {
		return g, err
	}
	g.Figures = []figure{
		figureOf(figServiceRequests, []float64{float64(total) / float64(2*n)}),
		figureOf(figServiceBytes, []float64{float64(largest.Load())}),
		figureOf(figServiceUnchanged, []float64{float64(unchanged)}),
	}
	return g, nil
}

// toServices returns how many requests for single Services were sent.
func toServices(p *testenv.Proxy) (requests int) {
	for _, verb := range singleVerbs {
		requests += p.CountOf(verb, "services")
	}
	return requests
}

// expose creates a Service of a workload with a port of its owner, and has the AdapterSet
// expose the adapters in it.
func (s *service) expose(ctx context.Context, i int) error {
	name := s.fleet.names[i]
	if _, err := s.git.In(s.fleet.namespace).Apply(ctx, map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"selector": map[string]any{"app.kubernetes.io/name": name},
			"ports":    []any{map[string]any{"name": "api", "port": 80, "targetPort": "api", "protocol": "TCP"}},
		},
	}); err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"services": []any{map[string]any{"name": name, "targetPort": "Number"}}}})
	if err != nil {
		return err
	}
	_, err = s.git.Patch(ctx, "AdapterSet", s.fleet.namespace, name, types.MergePatchType, patch)
	return err
}

// label has another manager change a Service and the AdapterSet, and none of the ports.
func (s *service) label(ctx context.Context, i int) error {
	_, err := s.git.Patch(ctx, "Service", s.fleet.namespace, s.fleet.names[i], types.MergePatchType, []byte(`{"metadata":{"labels":{"changed":"true"}}}`))
	if err != nil {
		return err
	}
	_, err = s.git.Patch(ctx, "AdapterSet", s.fleet.namespace, s.fleet.names[i], types.MergePatchType, []byte(`{"spec":{"hostNetwork":"Allow"}}`))
	return err
}
