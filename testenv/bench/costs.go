package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/portside-dev/portside/testenv"
)

// costs measures what a change of an adapter costs the API server: the requests of
// the service and the bytes that it sends, status and events included, as a proxy
// in between counts them.
func (b *serviceBench) costs(ctx context.Context) (group, error) {
	g := group{
		Title: fmt.Sprintf("what a change of an adapter costs, of %d one at a time", min(changed, b.targets)),
		Note:  "with the status and the events that follow",
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
	proxy, err := testenv.NewProxy(b.cp.Config(), testenv.ProxyHooks{})
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
	return []figure{
		per("requests", proxy.Total()), per(testenv.VerbApply, proxy.Count(testenv.VerbApply)), per(testenv.VerbPost, proxy.Count(testenv.VerbPost)),
		per(testenv.VerbGet, proxy.Count(testenv.VerbGet)), per("bytes sent", int(proxy.BytesSent())),
	}, nil
}
