package controller

import (
	"testing"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
)

// TestItIsBusyWhileMoreWaitThanAreReconciled so that what they need is kept at
// hand. Before it leads there is no queue.
func TestItIsBusyWhileMoreWaitThanAreReconciled(t *testing.T) {
	t.Parallel()
	s := &targets{mirror: mirror.New(nil, mirror.Options{}), enough: 2}
	if s.busy() {
		t.Error("it is busy before it has begun")
	}
	queue := priorityqueue.New[workload.Target]("busy")
	t.Cleanup(queue.ShutDown)
	if err := s.Start(t.Context(), workqueue.TypedRateLimitingInterface[workload.Target](queue)); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b", "c"} {
		s.add(workload.Target{Name: name}, telling)
		if s.busy() != (i == 2) {
			t.Errorf("with %d that wait, busy is %t", i+1, s.busy())
		}
	}
}
