package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// report is everything that a run measured.
type report struct {
	// Arguments are those of the command that measured.
	Arguments []string `json:"arguments"`
	Server    string   `json:"server"`
	CPUs      int      `json:"cpus"`
	Repeats   int      `json:"repeats"`
	// Reconciles is the number of reconciles in a block.
	Reconciles int `json:"reconcilesPerBlock"`
	// Workload is that of read-modify-write, after the last reconcile.
	Workload size `json:"workload"`
	// ProtobufBody is the size of a read-modify-write's update in protobuf, in bytes.
	ProtobufBody int          `json:"updateProtobufBytes"`
	Scenarios    []outcome    `json:"scenarios"`
	PureWorkload size         `json:"pureWorkload"`
	Pure         []pureFigure `json:"pure"`
	// Services are the service with each number of targets, if it was measured.
	Services     []*serviceReport   `json:"services,omitempty"`
	Discovery    []discoveredFigure `json:"discovery,omitempty"`
	Expectations []expectation      `json:"expectations"`
}

// measure measures everything.
func measure(ctx context.Context, cp *testenv.ControlPlane, o options, progress func(string)) (*report, error) {
	admin, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	version, err := admin.Discovery().ServerVersion()
	if err != nil {
		return nil, err
	}
	r := &report{Arguments: o.arguments, Server: version.GitVersion, CPUs: runtime.GOMAXPROCS(0), Repeats: o.repeats, Reconciles: o.reconciles}
	if o.reconciles > 0 {
		if err := errors.Join(r.measureReconciles(ctx, cp, admin, progress), r.measurePure(ctx, admin, progress)); err != nil {
			return nil, err
		}
	}
	if o.binary != "" {
		if err := r.measureServices(ctx, cp, o, progress); err != nil {
			return nil, err
		}
	}
	r.Expectations = r.expect()
	return r, nil
}

func (r *report) measureReconciles(ctx context.Context, cp *testenv.ControlPlane, admin kubernetes.Interface, progress func(string)) error {
	ways, err := setUpWays(ctx, cp, admin)
	if err != nil {
		return err
	}
	bench := &reconcileBench{cp, admin, r.Reconciles}
	for _, sc := range scenarios {
		blocks := make([][]block, len(ways))
		for repeat := range r.Repeats {
			for i, w := range ways {
				progress(fmt.Sprintf("%s: repeat %d of %d, %s", sc.name, repeat+1, r.Repeats, w.name))
				b, err := bench.block(ctx, w, sc)
				if err != nil {
					return fmt.Errorf("%s: %w", sc.name, err)
				}
				blocks[i] = append(blocks[i], b)
			}
		}
		r.Scenarios = append(r.Scenarios, compareBlocks(sc, ways, blocks))
	}
	updated, err := get(ctx, admin, wayReadModifyWrite)
	if err != nil {
		return err
	}
	r.ProtobufBody = updated.Size()
	r.Workload, err = sizeOf(updated)
	return err
}

func (r *report) measurePure(ctx context.Context, admin kubernetes.Interface, progress func(string)) error {
	stored, err := tenOwners(ctx, admin)
	if err != nil {
		return err
	}
	if r.PureWorkload, err = sizeOf(stored); err != nil {
		return err
	}
	p, err := newPure(stored)
	if err != nil {
		return err
	}
	r.Pure, err = p.measure(r.Repeats, progress)
	return err
}

func get(ctx context.Context, client kubernetes.Interface, name string) (*appsv1.StatefulSet, error) {
	return client.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
}
