package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// turnAnnotation counts the rival's writes on the workload.
const turnAnnotation = "example.com/turn"

// rate is a number of competing writes a second.
type rate int

const (
	noRival rate = 0
	// unpaused is as many writes as the server answers, one after the other.
	unpaused rate = -1
)

// String returns the rate as plots name it.
func (r rate) String() string {
	if r == unpaused {
		return "no pause"
	}
	return strconv.Itoa(int(r))
}

// rival is an owner of other fields of a workload that writes it at a rate, one
// request after the other.
type rival struct {
	client   kubernetes.Interface
	workload string
	cancel   context.CancelFunc
	done     chan struct{}
	writes   atomic.Int64
	err      error // read after done
}

// startRival returns once the first write is stored.
func startRival(ctx context.Context, client kubernetes.Interface, workload string, at rate) (*rival, error) {
	r := &rival{client: client, workload: workload, done: make(chan struct{})}
	if err := r.write(ctx); err != nil {
		return nil, err
	}
	ctx, r.cancel = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		for r.err == nil && at.wait(ctx) {
			// Not ctx: the server may store a write that was canceled.
			r.err = r.write(context.WithoutCancel(ctx))
		}
	}()
	return r, nil
}

// wait waits between two writes. It returns false when the context ends.
func (r rate) wait(ctx context.Context) bool {
	if r == unpaused {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(time.Second / time.Duration(r)):
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *rival) write(ctx context.Context) error {
	turn := r.writes.Load() + 1
	body := fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}},"spec":{"replicas":%d}}`, turnAnnotation, turn, 3+turn%2)
	_, err := r.client.AppsV1().StatefulSets(namespace).Patch(ctx, r.workload, types.MergePatchType, []byte(body),
		metav1.PatchOptions{FieldManager: "autoscaler"})
	if err == nil {
		r.writes.Store(turn)
	}
	return err
}

// end stops the writing. Further calls do nothing.
func (r *rival) end() {
	r.cancel()
	<-r.done
}

// stop stops the writing and returns the number of writes. It is an error if one
// failed, or if the workload does not have the last one: then another write undid
// it.
func (r *rival) stop(ctx context.Context) (int64, error) {
	r.end()
	live, err := get(ctx, r.client, r.workload)
	if err := errors.Join(r.err, err); err != nil {
		return 0, fmt.Errorf("the competing writer failed: %w", err)
	}
	if got, want := live.Annotations[turnAnnotation], strconv.FormatInt(r.writes.Load(), 10); got != want {
		return 0, fmt.Errorf("the competing writer wrote %s, but %s has %s", want, r.workload, got)
	}
	return r.writes.Load(), nil
}
