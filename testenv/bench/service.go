package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// serviceReport is the measurement of the service.
type serviceReport struct {
	Targets int `json:"targets"`
	AtOnce  int `json:"atOnce"`
	// Workload is the size of a workload with its ports.
	Workload size    `json:"workload"`
	Groups   []group `json:"groups"`
}

// group is figures that belong together.
type group struct {
	Title   string   `json:"title"`
	Note    string   `json:"note,omitempty"`
	Figures []figure `json:"figures"`
}

// figure is a figure whose name has its unit.
type figure struct {
	Name  string `json:"figure"`
	Value stat   `json:"value"`
}

func figureOf(name string, values []float64) figure { return figure{name, statOf(values)} }

// serviceBench measures the service.
type serviceBench struct {
	options
	targets  int
	cp       *testenv.ControlPlane
	progress func(string)
	service  *service
	old      *service // nil without one to compare with
	bare     *fleet
}

// The names of the measured services.
const (
	nameService = "portside run"
	nameOld     = "the old portside run"
)

// measureServices measures the service with each number of targets, and then with
// discovery.
func (r *report) measureServices(ctx context.Context, cp *testenv.ControlPlane, o options, progress func(string)) error {
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("cannot measure the service without a binary: %w; run make build", err)
	}
	if err := cp.InstallCRD(ctx, o.crd); err != nil {
		return err
	}
	if _, err := newFleet(ctx, cp, idle, 0); err != nil {
		return err
	}
	for _, targets := range o.targets {
		b := &serviceBench{options: o, targets: targets, cp: cp, progress: progress}
		s, err := b.measure(ctx)
		if err != nil {
			return err
		}
		r.Services = append(r.Services, s)
	}
	var err error
	r.Discovery, err = discovery(ctx, cp, o, progress)
	return err
}

func (b *serviceBench) measure(ctx context.Context) (*serviceReport, error) {
	r := &serviceReport{Targets: b.targets, AtOnce: atOnce}
	rounds, err := b.setUp(ctx)
	if err != nil {
		return nil, err
	}
	// costs comes before changes, after which status names more changes of this service's
	// targets than of the old one's, which takes bytes.
	for _, part := range []func(context.Context) (group, error){
		func(ctx context.Context) (group, error) { return b.ports(ctx, rounds) }, b.restarts, b.costs, b.changes, b.services,
	} {
		g, err := part(ctx)
		if err != nil {
			return nil, fmt.Errorf("%d targets: %w", b.targets, err)
		}
		r.Groups = append(r.Groups, g)
	}
	r.Workload, err = b.service.fleet.check(ctx)
	return r, err
}

// setUp creates the workloads and the AdapterSets, and runs each round a first
// time.
func (b *serviceBench) setUp(ctx context.Context) ([]*round, error) {
	namespaces := []string{"kept-by-portside", "patched", "read-modify-written"}
	if b.options.old != "" {
		namespaces = append(namespaces, "kept-by-the-old-portside")
	}
	fleets := make([]*fleet, 0, len(namespaces))
	for _, namespace := range namespaces {
		b.progress(fmt.Sprintf("the service: creating %d workloads, %s", b.targets, namespace))
		f, err := newFleet(ctx, b.cp, fmt.Sprintf("%s-%d", namespace, b.targets), b.targets)
		if err != nil {
			return nil, err
		}
		fleets = append(fleets, f)
	}
	var err error
	if b.service, err = newService(ctx, b.cp, nameService, b.binary, fleets[0]); err != nil {
		return nil, err
	}
	b.bare = fleets[1]
	rounds := []*round{b.service.round(), newBare(fleets[1]), newReadModifyWrites(fleets[2])}
	if b.options.old != "" {
		if b.old, err = newService(ctx, b.cp, nameOld, b.options.old, fleets[3]); err != nil {
			return nil, err
		}
		rounds = append(rounds, b.old.round())
	}
	for _, r := range rounds {
		b.progress("the service: first ports, " + r.name)
		if _, _, err := r.take(ctx, b.cp); err != nil {
			return nil, err
		}
	}
	return rounds, nil
}

// idle is a namespace without workloads.
const idle = "idle"

// The figures that have an expectation or a plot.
const (
	figSettled     = nameService + ", s"
	figSettledBare = "bare PATCH, s"
	figSettledRMW  = "read-modify-write, s"

	figByBare    = "portside by bare PATCH"
	figByRMW     = "portside by read-modify-write"
	figFloor     = "bare PATCH by read-modify-write"
	figByOld     = "portside by the old portside"
	figWrites    = "write requests"
	figPerTarget = "memory for each target, KiB"
)

// ports measures the time until all workloads have their ports.
func (b *serviceBench) ports(ctx context.Context, rounds []*round) (group, error) {
	took := make([][]float64, len(rounds))
	var fromStart []float64
	for repeat := range b.repeats {
		for turn := range rounds {
			i := (repeat + turn) % len(rounds) // each follows another one from time to time
			r := rounds[i]
			b.progress(fmt.Sprintf("the service, until all have their ports: repeat %d of %d, %s", repeat+1, b.repeats, r.name))
			began, d, err := r.take(ctx, b.cp)
			if err != nil {
				return group{}, err
			}
			took[i] = append(took[i], d.Seconds())
			if i == 0 {
				fromStart = append(fromStart, (began.Add(d).Sub(b.service.began)).Seconds())
			}
		}
	}
	g := group{
		Title: "until all have their ports, one of two renumbered",
		Note:  "counted from when portside has listed all, in the second line from its start",
		Figures: []figure{
			figureOf(figSettled, took[0]), figureOf("the same from the start of its process, s", fromStart),
			figureOf(figSettledBare, took[1]), figureOf(figSettledRMW, took[2]),
			{figByBare, *ratio(took[0], took[1])}, {figByRMW, *ratio(took[0], took[2])},
			{figFloor, *ratio(took[1], took[2])},
		},
	}
	if b.old != nil {
		g.Figures = append(g.Figures, figureOf("the old portside run, s", took[3]), figure{figByOld, *ratio(took[0], took[3])})
	}
	return g, nil
}

// restarted is the cost of a restart with nothing to do.
type restarted struct{ rest, cpu, memory, writes float64 }

// restarts measures a restart with nothing to do, in turns with that of a process
// without targets.
func (b *serviceBench) restarts(ctx context.Context) (group, error) {
	g := group{
		Title: "a restart with nothing to do, next to one without targets",
		Note:  "memory is what is resident once it stays; CPU is from start to end",
	}
	all, none, err := b.restartsOf(ctx, b.service)
	if err != nil {
		return g, err
	}
	g.Figures = []figure{
		figureOf(figWrites, values(all, func(r restarted) float64 { return r.writes })),
		figureOf("from start to rest, s", values(all, func(r restarted) float64 { return r.rest })),
		figureOf("CPU, s", values(all, restarted.cpuSeconds)), figureOf("CPU without targets, s", values(none, restarted.cpuSeconds)),
		figureOf("memory, MiB", values(all, restarted.mebibytes)), figureOf("memory without targets, MiB", values(none, restarted.mebibytes)),
		figureOf(figPerTarget, perTarget(all, none, b.targets)),
	}
	if b.old == nil {
		return g, nil
	}
	if all, none, err = b.restartsOf(ctx, b.old); err != nil {
		return g, err
	}
	g.Figures = append(g.Figures,
		figureOf("the old one: CPU, s", values(all, restarted.cpuSeconds)),
		figureOf("the old one: memory, MiB", values(all, restarted.mebibytes)),
		figureOf("the old one: memory without targets, MiB", values(none, restarted.mebibytes)),
		figureOf("the old one: memory for each target, KiB", perTarget(all, none, b.targets)))
	return g, nil
}

func (b *serviceBench) restartsOf(ctx context.Context, s *service) (all, none []restarted, err error) {
	for repeat := range b.repeats {
		b.progress(fmt.Sprintf("the service, a restart with nothing to do: repeat %d of %d, %s", repeat+1, b.repeats, s.name))
		with, err := b.restart(ctx, s.binary, s.fleet.namespace, b.targets)
		if err != nil {
			return nil, nil, err
		}
		without, err := b.restart(ctx, s.binary, idle, 0)
		if err != nil {
			return nil, nil, err
		}
		all, none = append(all, with), append(none, without)
	}
	return all, none, nil
}

func values(of []restarted, value func(restarted) float64) []float64 {
	v := make([]float64, 0, len(of))
	for _, r := range of {
		v = append(v, value(r))
	}
	return v
}

func (r restarted) cpuSeconds() float64 { return r.cpu }

func (r restarted) mebibytes() float64 { return r.memory / (1 << 20) }

// perTarget returns the memory for each target, in KiB.
func perTarget(all, none []restarted, targets int) []float64 {
	v := make([]float64, len(all))
	for i := range all {
		v[i] = (all[i].memory - none[i].memory) / float64(targets) / 1024
	}
	return v
}

// restart runs a service behind a proxy, which counts, until it has done all
// that it will.
func (b *serviceBench) restart(ctx context.Context, binary, namespace string, targets int) (r restarted, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	proxy, err := testenv.NewProxy(b.cp.Config(), testenv.ProxyHooks{})
	if err != nil {
		return r, err
	}
	defer proxy.Close()
	c, err := startChild(binary, proxy.Config(), namespace)
	if err != nil {
		return r, err
	}
	measured := func() error {
		if _, err := c.ready(ctx); err != nil {
			return err
		}
		at, err := c.rest(ctx, targets)
		if err != nil {
			return err
		}
		r.rest = at.Sub(c.began).Seconds()
		r.memory, err = c.resident(ctx)
		return err
	}()
	cpu, err := c.stop()
	r.cpu, r.writes = cpu.Seconds(), float64(proxy.Writes())
	return r, errors.Join(measured, err)
}

// changed is the number of workloads that are changed one after the other, and then
// back, in each repeat.
const changed = 50

// changes measures the time from a change of an AdapterSet to the stored port in an
// idle service, in turns with a bare PATCH.
func (b *serviceBench) changes(ctx context.Context) (g group, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if _, err := b.service.start(ctx); err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, b.service.stop()) }()
	if err := b.service.settle(ctx); err != nil {
		return g, err
	}
	o, err := observe(ctx, b.cp, b.service.fleet.namespace)
	if err != nil {
		return g, err
	}
	defer o.stop()
	var ours, bare percentiles
	for repeat := range b.repeats {
		b.progress(fmt.Sprintf("the service, from a change to the stored port: repeat %d of %d", repeat+1, b.repeats))
		for _, turns := range []int{1, 0} {
			if err := b.changeSome(ctx, o, turns, &ours, &bare); err != nil {
				return g, err
			}
		}
		ours.end()
		bare.end()
	}
	return group{
		Title: fmt.Sprintf("from an adapter's change to the stored port, %d in a repeat", 2*min(changed, b.targets)),
		Note:  "from the answer to the change of the AdapterSet to the watch of the workload",
		Figures: []figure{
			figureOf("portside run, median, ms", ours.medians), figureOf("portside run, 99th percentile, ms", ours.ninetyNinths),
			figureOf("bare PATCH, median, ms", bare.medians), figureOf("bare PATCH, 99th percentile, ms", bare.ninetyNinths),
		},
	}, nil
}

// changeSome changes an AdapterSet, waits until the port is stored, and then does
// the same by a bare PATCH, for some workloads.
func (b *serviceBench) changeSome(ctx context.Context, o *observer, turns int, ours, bare *percentiles) error {
	bodies, err := b.bare.patches(b.bare.turn + turns)
	if err != nil {
		return err
	}
	for i := range min(changed, b.targets) {
		if err := b.service.declare(ctx, i, b.service.fleet.turn+turns); err != nil {
			return err
		}
		began := time.Now()
		stored, err := o.changes(ctx, 1)
		if err != nil {
			return err
		}
		ours.add(stored.Sub(began))
		began = time.Now()
		if err := b.bare.send(ctx, i, bodies[i]); err != nil {
			return err
		}
		bare.add(time.Since(began))
	}
	return nil
}

// percentiles are the percentiles of the times of each repeat, in milliseconds.
type percentiles struct {
	times                 []float64 // of this repeat
	medians, ninetyNinths []float64
}

func (p *percentiles) add(took time.Duration) {
	p.times = append(p.times, float64(took)/float64(time.Millisecond))
}

func (p *percentiles) end() {
	slices.Sort(p.times)
	p.medians = append(p.medians, statOf(p.times).Median)
	p.ninetyNinths = append(p.ninetyNinths, p.times[(len(p.times)*99+99)/100-1])
	p.times = nil
}

// figure returns the figure with this name.
func (r *serviceReport) figure(name string) stat {
	for _, g := range r.Groups {
		for _, f := range g.Figures {
			if f.Name == name {
				return f.Value
			}
		}
	}
	return stat{}
}
