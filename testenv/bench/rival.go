package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// turnAnnotation counts the rival's writes on the workload.
const turnAnnotation = "example.com/turn"

// rival is an owner of other fields of a workload that writes it without a pause,
// one request after the other.
type rival struct {
	client   kubernetes.Interface
	workload string
	cancel   context.CancelFunc
	done     chan struct{}
	writes   int   // read after done
	err      error // read after done
}

// startRival returns once the first write is stored.
func startRival(ctx context.Context, client kubernetes.Interface, workload string) (*rival, error) {
	r := &rival{client: client, workload: workload, done: make(chan struct{})}
	if err := r.write(ctx); err != nil {
		return nil, err
	}
	ctx, r.cancel = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		for r.err == nil && ctx.Err() == nil {
			// Not ctx: the server may store a write that was canceled.
			r.err = r.write(context.WithoutCancel(ctx))
		}
	}()
	return r, nil
}

func (r *rival) write(ctx context.Context) error {
	body := fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}},"spec":{"replicas":%d}}`, turnAnnotation, r.writes+1, 3+r.writes%2)
	_, err := r.client.AppsV1().StatefulSets(namespace).Patch(ctx, r.workload, types.MergePatchType, []byte(body),
		metav1.PatchOptions{FieldManager: "autoscaler"})
	if err == nil {
		r.writes++
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
func (r *rival) stop(ctx context.Context) (int, error) {
	r.end()
	live, err := get(ctx, r.client, r.workload)
	if err := errors.Join(r.err, err); err != nil {
		return 0, fmt.Errorf("the competing writer failed: %w", err)
	}
	if got, want := live.Annotations[turnAnnotation], strconv.Itoa(r.writes); got != want {
		return 0, fmt.Errorf("the competing writer wrote %s, but %s has %s", want, r.workload, got)
	}
	return r.writes, nil
}
