package apply_test

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// rollout is what a test expects of a Rollout.
type rollout struct{ underWay, failed bool }

func (want rollout) check(t *testing.T, name string, w *workload.Workload) {
	t.Helper()
	if is := (rollout{w.Rollout.UnderWay, w.Rollout.Failed}); is != want {
		t.Errorf("%s: %+v, want %+v", name, is, want)
	}
}

func TestRolloutOfStatefulSet(t *testing.T) {
	t.Parallel()
	done := appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 3, ReadyReplicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3}
	partition := func(n int32) func(*appsv1.StatefulSet) {
		return func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &n}
		}
	}
	onDelete := func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }
	for name, c := range map[string]struct {
		status func(*appsv1.StatefulSetStatus)
		spec   func(*appsv1.StatefulSet)
		want   rollout
	}{
		"complete":                        {want: rollout{}},
		"not observed":                    {status: func(s *appsv1.StatefulSetStatus) { s.ObservedGeneration = 1 }, want: rollout{underWay: true}},
		"a pod to be made":                {status: func(s *appsv1.StatefulSetStatus) { s.Replicas = 2 }, want: rollout{underWay: true}},
		"a pod too many":                  {status: func(s *appsv1.StatefulSetStatus) { s.Replicas = 4 }, want: rollout{underWay: true}},
		"a pod not ready":                 {status: func(s *appsv1.StatefulSetStatus) { s.ReadyReplicas = 2 }, want: rollout{underWay: true}},
		"a pod not available":             {status: func(s *appsv1.StatefulSetStatus) { s.AvailableReplicas = 2 }, want: rollout{}},
		"an old pod":                      {status: func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 2 }, want: rollout{underWay: true}},
		"an old pod below the partition":  {status: func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 2 }, spec: partition(1), want: rollout{}},
		"an old pod above the partition":  {status: func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 1 }, spec: partition(1), want: rollout{underWay: true}},
		"a partition above the replicas":  {status: func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 0 }, spec: partition(9), want: rollout{}},
		"below the partition, not ready":  {status: func(s *appsv1.StatefulSetStatus) { s.ReadyReplicas = 2 }, spec: partition(3), want: rollout{underWay: true}},
		"old pods, OnDelete":              {status: func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 0 }, spec: onDelete, want: rollout{}},
		"not observed, OnDelete":          {status: func(s *appsv1.StatefulSetStatus) { s.ObservedGeneration = 1 }, spec: onDelete, want: rollout{underWay: true}},
		"no replicas":                     {status: func(s *appsv1.StatefulSetStatus) { *s = appsv1.StatefulSetStatus{ObservedGeneration: 2} }, spec: func(s *appsv1.StatefulSet) { s.Spec.Replicas = ptr.To[int32](0) }, want: rollout{}},
		"one replica where none is given": {spec: func(s *appsv1.StatefulSet) { s.Spec.Replicas = nil }, want: rollout{underWay: true}},
	} {
		s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3)}, Status: done}
		if c.status != nil {
			c.status(&s.Status)
		}
		if c.spec != nil {
			c.spec(s)
		}
		c.want.check(t, name, read(s))
	}
}

func TestRolloutOfDeployment(t *testing.T) {
	t.Parallel()
	progressing := func(status, reason string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Status, d.Status.Conditions[0].Reason = "True", reason
			if status != "" {
				d.Status.Conditions[0].Status = "False"
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*appsv1.Deployment)
		want   rollout
	}{
		"complete":             {func(*appsv1.Deployment) {}, rollout{}},
		"not observed":         {func(d *appsv1.Deployment) { d.Generation = 3 }, rollout{underWay: true}},
		"not observed, paused": {func(d *appsv1.Deployment) { d.Generation, d.Spec.Paused = 3, true }, rollout{underWay: true}},
		"a pod to be made":     {func(d *appsv1.Deployment) { d.Status.Replicas = 2 }, rollout{underWay: true}},
		"a pod too many":       {func(d *appsv1.Deployment) { d.Status.Replicas = 4 }, rollout{underWay: true}},
		"an old pod":           {func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 2 }, rollout{underWay: true}},
		"a pod not ready":      {func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 2 }, rollout{underWay: true}},
		"a pod not available":  {func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }, rollout{underWay: true}},
		"not said to be done":  {progressing("", "ReplicaSetUpdated"), rollout{underWay: true}},
		"said not to be done":  {progressing("False", "NewReplicaSetAvailable"), rollout{underWay: true}},
		"not said to be there": {func(d *appsv1.Deployment) { d.Status.Conditions[1].Status = "False" }, rollout{underWay: true}},
		"no condition":         {func(d *appsv1.Deployment) { d.Status.Conditions = nil }, rollout{underWay: true}},
		"an old pod, paused":   {func(d *appsv1.Deployment) { d.Status.UpdatedReplicas, d.Spec.Paused = 2, true }, rollout{}},
		"given up": {func(d *appsv1.Deployment) {
			progressing("False", "ProgressDeadlineExceeded")(d)
			d.Status.ReadyReplicas = 2
		}, rollout{underWay: true, failed: true}},
		"given up, then changed": {func(d *appsv1.Deployment) { progressing("False", "ProgressDeadlineExceeded")(d); d.Generation = 3 }, rollout{underWay: true}},
		"without a deadline": {func(d *appsv1.Deployment) {
			d.Spec.ProgressDeadlineSeconds, d.Status.Conditions = nil, d.Status.Conditions[1:]
		}, rollout{}},
	} {
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](3), ProgressDeadlineSeconds: ptr.To[int32](600)},
			Status: appsv1.DeploymentStatus{
				ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
				Conditions: []appsv1.DeploymentCondition{
					{Type: "Progressing", Status: "True", Reason: "NewReplicaSetAvailable"}, {Type: "Available", Status: "True"},
				},
			},
		}
		c.change(d)
		c.want.check(t, name, read(d))
	}
}

func TestRolloutOfDaemonSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*appsv1.DaemonSet)
		want   rollout
	}{
		"complete":             {func(*appsv1.DaemonSet) {}, rollout{}},
		"not observed":         {func(d *appsv1.DaemonSet) { d.Generation = 3 }, rollout{underWay: true}},
		"a pod to be made":     {func(d *appsv1.DaemonSet) { d.Status.CurrentNumberScheduled = 2 }, rollout{underWay: true}},
		"an old pod":           {func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 2 }, rollout{underWay: true}},
		"a pod not ready":      {func(d *appsv1.DaemonSet) { d.Status.NumberReady = 2 }, rollout{underWay: true}},
		"a pod not available":  {func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 2 }, rollout{underWay: true}},
		"an old pod, OnDelete": {func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled, d.Spec.UpdateStrategy.Type = 2, "OnDelete" }, rollout{}},
		"no node":              {func(d *appsv1.DaemonSet) { d.Status = appsv1.DaemonSetStatus{ObservedGeneration: 2} }, rollout{}},
	} {
		d := &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Status: appsv1.DaemonSetStatus{
				ObservedGeneration: 2, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberReady: 3, NumberAvailable: 3,
			},
		}
		c.change(d)
		c.want.check(t, name, read(d))
	}
}

// TestRolloutSteady: how many pods are desired depends on the kind, and on no
// update strategy.
func TestRolloutSteady(t *testing.T) {
	t.Parallel()
	statefulSet := func(replicas *int32, ready int32, change func(*appsv1.StatefulSet)) *workload.Workload {
		s := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: replicas}, Status: appsv1.StatefulSetStatus{
			Replicas: ptr.Deref(replicas, 1), UpdatedReplicas: ptr.Deref(replicas, 1), ReadyReplicas: ready,
		}}
		if change != nil {
			change(s)
		}
		return read(s)
	}
	onDelete := func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }
	oldPods := func(s *appsv1.StatefulSet) { onDelete(s); s.Status.UpdatedReplicas = 0 }
	partition := func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: ptr.To[int32](3)}
	}
	deployment := func(paused bool, replicas, ready int32) *workload.Workload {
		return read(&appsv1.Deployment{
			Spec:   appsv1.DeploymentSpec{Replicas: &replicas, Paused: paused, ProgressDeadlineSeconds: ptr.To[int32](600)},
			Status: appsv1.DeploymentStatus{Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: ready, AvailableReplicas: ready},
		})
	}
	daemonSet := func(strategy appsv1.DaemonSetUpdateStrategyType, desired, ready int32) *workload.Workload {
		return read(&appsv1.DaemonSet{
			Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: strategy}},
			Status: appsv1.DaemonSetStatus{
				DesiredNumberScheduled: desired, CurrentNumberScheduled: desired, UpdatedNumberScheduled: desired, NumberReady: ready, NumberAvailable: ready,
			},
		})
	}
	for name, c := range map[string]struct {
		workload *workload.Workload
		desired  int32
		steady   bool
	}{
		"StatefulSet":                           {statefulSet(ptr.To[int32](2), 2, nil), 2, true},
		"StatefulSet, a pod not ready":          {statefulSet(ptr.To[int32](2), 1, nil), 2, false},
		"StatefulSet, replicas not set":         {statefulSet(nil, 1, nil), 1, true},
		"StatefulSet, no replicas":              {statefulSet(ptr.To[int32](0), 0, nil), 0, true},
		"StatefulSet, not observed":             {statefulSet(ptr.To[int32](2), 2, func(s *appsv1.StatefulSet) { s.Generation = 1 }), 2, false},
		"StatefulSet, OnDelete":                 {statefulSet(ptr.To[int32](2), 2, oldPods), 2, true},
		"StatefulSet, OnDelete, a pod is away":  {statefulSet(ptr.To[int32](2), 1, onDelete), 2, false},
		"StatefulSet, partition":                {statefulSet(ptr.To[int32](2), 2, partition), 2, true},
		"StatefulSet, partition, a pod is away": {statefulSet(ptr.To[int32](2), 1, partition), 2, false},
		"Deployment, paused":                    {deployment(true, 2, 2), 2, true},
		"Deployment, paused, with a surge":      {deployment(true, 2, 3), 2, true},
		"Deployment, paused, a pod is away":     {deployment(true, 2, 1), 2, false},
		"Deployment, surge":                     {deployment(false, 2, 3), 2, false},
		"DaemonSet":                             {daemonSet("RollingUpdate", 3, 3), 3, true},
		"DaemonSet, no node":                    {daemonSet("RollingUpdate", 0, 0), 0, true},
		"DaemonSet, a pod not ready":            {daemonSet("RollingUpdate", 3, 2), 3, false},
		"DaemonSet, OnDelete, a pod is away":    {daemonSet("OnDelete", 3, 2), 3, false},
	} {
		if got := c.workload.Rollout; got.Desired != c.desired || got.Steady() != c.steady {
			t.Errorf("%s: %d pods are desired, steady %t; want %d, %t", name, got.Desired, got.Steady(), c.desired, c.steady)
		}
	}
}

// TestRolloutProgress runs the controllers: a rollout is under way after a change
// of ours, until it is complete, and its progress moves.
func TestRolloutProgress(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for _, kind := range workload.Kinds() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			namespace := cp.Namespace(t)
			owner := cp.Manager(testenv.ArgoCD).In(namespace)
			owner.MustApply(t, declared(kind, static))
			applier := newApplier(t, cp)
			target := workload.Target{Kind: kind, Namespace: namespace, Name: dittofs}
			wasComplete := complete(t, applier, target)
			result, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{nfs}})
			if err != nil || !result.TemplateChanged() {
				t.Fatalf("a reconcile: %s, the template changed: %t, %v", result.Outcome, result.TemplateChanged(), err)
			}
			rollout{underWay: true}.check(t, "after the reconcile", result.After)
			isComplete := complete(t, applier, target)
			if isComplete.Rollout.Progress == wasComplete.Rollout.Progress {
				t.Errorf("progress is %+v, as before the rollout", isComplete.Rollout.Progress)
			}
		})
	}
	t.Run("no manager writes", func(t *testing.T) {
		t.Parallel()
		namespace := cp.Namespace(t)
		owner := cp.Manager(testenv.ArgoCD).In(namespace)
		owner.MustApply(t, declared(workload.StatefulSet, static))
		owner.MustPatch(t, "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(`{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}`))
		applier := newApplier(t, cp)
		target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
		complete(t, applier, target)
		if _, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{nfs}}); err != nil {
			t.Fatal(err)
		}
		if w := complete(t, applier, target); w.Rollout.Progress.Updated != 0 {
			t.Errorf("%+v: the old pod should still be there", w.Rollout.Progress)
		}
	})
}

// complete waits until no rollout is under way.
func complete(t *testing.T, applier *apply.Applier, target workload.Target) (w *workload.Workload) {
	t.Helper()
	testenv.Eventually(t, "the rollout", func(ctx context.Context) (err error) {
		if w, err = applier.Get(ctx, target); err == nil && (w.Rollout.UnderWay || w.Rollout.Failed) {
			err = fmt.Errorf("%+v", w.Rollout)
		}
		return err
	})
	return w
}
