package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// A repeat of the pure part is many short turns of each part; the fastest
// counts: on a busy machine the slower ones measure other work. Most turns are too
// short for a garbage collection; allocations are reported too.
const (
	pureTurns    = 50
	pureTurnTime = "5ms"
)

// pure is the work for one workload that needs no server.
type pure struct {
	workload *workload.Workload
	applier  *apply.Applier
	want     apply.Desired
}

func newPure(s *appsv1.StatefulSet) (pure, error) {
	if len(s.ManagedFields) != entriesOfTen {
		return pure{}, fmt.Errorf("%s has %d managedFields entries, not %d", s.Name, len(s.ManagedFields), entriesOfTen)
	}
	w, err := workload.Read(s)
	if err != nil {
		return pure{}, err
	}
	applier, err := apply.New(nil) // it sends nothing
	return pure{workload: w, applier: applier, want: apply.Desired{Container: container, Adapters: adapters(0)}}, err
}

// readAlone is the part that cannot be saved: fieldpath reads each entry.
func (p pure) readAlone() error {
	for i := range p.workload.ManagedFields {
		if err := fieldpath.NewSet().FromJSON(p.workload.ManagedFields[i].FieldsV1.GetRawReader()); err != nil {
			return err
		}
	}
	return nil
}

func (p pure) decode() error {
	_, err := fieldmanager.Decode(p.workload.ManagedFields)
	return err
}

// decide reads the entries, finds the owners of each port, and decides.
func (p pure) decide() error {
	// A workload that was read decodes its entries once only.
	w := &workload.Workload{Target: p.workload.Target, Containers: p.workload.Containers, ManagedFields: p.workload.ManagedFields}
	observed, err := p.applier.Observe(w)
	if err != nil {
		return err
	}
	plan, err := observed.Decide(p.want)
	if err == nil && len(plan.Items) != len(p.want.Adapters) {
		err = fmt.Errorf("the plan has %d ports", len(plan.Items))
	}
	return err
}

// The measured parts. Each contains the one before it.
const (
	partRead   = "fieldpath alone"
	partDecode = "fieldmanager.Decode"
	partDecide = "apply.Decide"
)

// pureFigure is the cost of one run of a part.
type pureFigure struct {
	Part         string `json:"part"`
	Microseconds stat   `json:"microseconds"`
	Allocations  int64  `json:"allocations"`
	// Ratio is the time divided by that of fieldpath alone in the same repeat.
	Ratio stat `json:"ratio"`
}

// measure runs the parts in turn.
func (p pure) measure(repeats int, progress func(string)) ([]pureFigure, error) {
	testing.Init()
	defer flag.Set("test.benchtime", flag.Lookup("test.benchtime").Value.String()) //nolint:errcheck // the value was valid before
	if err := flag.Set("test.benchtime", pureTurnTime); err != nil {
		return nil, err
	}
	parts := []func() error{p.readAlone, p.decode, p.decide}
	times := make([][]float64, len(parts))
	figures := []pureFigure{{Part: partRead}, {Part: partDecode}, {Part: partDecide}}
	for repeat := range repeats {
		progress(fmt.Sprintf("the pure part: repeat %d of %d", repeat+1, repeats))
		fastest, err := p.repeat(parts, figures)
		if err != nil {
			return nil, err
		}
		for i := range parts {
			times[i] = append(times[i], fastest[i])
		}
	}
	for i := range figures {
		figures[i].Microseconds, figures[i].Ratio = statOf(times[i]), *ratio(times[i], times[0])
	}
	return figures, nil
}

// repeat runs each part in each turn. It returns the microseconds of the fastest
// run of each and sets the allocations.
func (p pure) repeat(parts []func() error, figures []pureFigure) ([]float64, error) {
	fastest := make([]float64, len(parts))
	for turn := range pureTurns {
		for i, part := range parts {
			if err := part(); err != nil {
				return nil, fmt.Errorf("%s: %w", figures[i].Part, err)
			}
			result := testing.Benchmark(benchmark(part))
			took := float64(result.T.Nanoseconds()) / float64(result.N) / 1000
			if turn == 0 || took < fastest[i] {
				fastest[i] = took
			}
			figures[i].Allocations = result.AllocsPerOp()
		}
	}
	return fastest, nil
}

func benchmark(part func() error) func(b *testing.B) {
	return func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if err := part(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// tenOwners creates the workload of the pure part. Created again, it is the same.
func tenOwners(ctx context.Context, client kubernetes.Interface) (*appsv1.StatefulSet, error) {
	const name = "ten-owners"
	if err := create(ctx, client, name, slices.Concat(always, sometimes)); err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		return nil, err
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: name}
	if _, err := applier.Apply(ctx, target, apply.Desired{Container: container, Adapters: adapters(0)}); err != nil {
		return nil, err
	}
	return get(ctx, client, name)
}
