package testenv

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const (
	nodeName      = "testenv"
	playerWorkers = 2
)

// podPlayer is scheduler and kubelet at once: a pod is bound to the only node,
// runs and is ready as soon as it is seen, and goes as soon as it is deleted.
// Pods run nothing, but each start is counted, and that is what a change of a
// pod template costs.
type podPlayer struct {
	client kubernetes.Interface
	pods   corelisters.PodLister
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	started   map[types.UID]workload
	addresses int // given out so far
}

// workload names what a pod belongs to, a Deployment rather than its ReplicaSet.
type workload struct{ kind, namespace, name string }

// startPodPlayer returns when the player has seen the pods that are there; ctx
// bounds that alone.
func startPodPlayer(ctx context.Context, client kubernetes.Interface) (*podPlayer, error) {
	if err := createNode(ctx, client); err != nil {
		return nil, fmt.Errorf("creating the node: %w", err)
	}
	running, cancel := context.WithCancel(context.Background())
	p := &podPlayer{
		client: client,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](5*time.Millisecond, time.Second)),
		cancel:  cancel,
		started: map[types.UID]workload{},
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	p.pods = factory.Core().V1().Pods().Lister()
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    p.enqueue,
		UpdateFunc: func(_, pod any) { p.enqueue(pod) },
	}); err != nil {
		cancel()
		return nil, err
	}
	p.done.Go(func() { informer.RunWithContext(running) })
	for range playerWorkers {
		p.done.Go(func() { p.work(running) })
	}
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		p.stop()
		return nil, ctx.Err()
	}
	return p, nil
}

func (p *podPlayer) stop() {
	p.cancel()
	p.queue.ShutDown()
	p.done.Wait()
}

func (p *podPlayer) enqueue(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		p.queue.Add(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
	}
}

func (p *podPlayer) work(ctx context.Context) {
	for {
		key, shutdown := p.queue.Get()
		if shutdown {
			return
		}
		if err := p.play(ctx, key); err != nil && ctx.Err() == nil {
			p.queue.AddRateLimited(key)
		} else {
			p.queue.Forget(key)
		}
		p.queue.Done(key)
	}
}

// play takes a pod one step further: the event of that step brings it back for
// the next.
func (p *podPlayer) play(ctx context.Context, key types.NamespacedName) error {
	pod, err := p.pods.Pods(key.Namespace).Get(key.Name)
	if err != nil {
		return ignoreStale(err)
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return ignoreStale(p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64),
			Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		}))
	case pod.Spec.NodeName == "":
		return ignoreStale(p.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeName},
		}, metav1.CreateOptions{}))
	case pod.Status.Phase == corev1.PodPending:
		return ignoreStale(p.run(ctx, pod))
	}
	return nil
}

// ignoreStale drops the errors that say that the pod has changed meanwhile: the
// event of that change brings it back.
func ignoreStale(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (p *podPlayer) run(ctx context.Context, pod *corev1.Pod) error {
	running := pod.DeepCopy()
	running.Status = runningStatus(pod, p.nextIP())
	p.count(pod) // before the server tells it: who sees the pod ready must find it counted
	_, err := p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, running, metav1.UpdateOptions{})
	if err != nil {
		p.uncount(pod)
	}
	return err
}

func (p *podPlayer) nextIP() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addresses++
	return fmt.Sprintf("10.%d.%d.%d", 100+p.addresses>>16&0x7f, p.addresses>>8&0xff, p.addresses&0xff)
}

func (p *podPlayer) count(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started[pod.UID] = ownerOf(pod)
}

func (p *podPlayer) uncount(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, pod.UID)
}

// ownerOf names the workload that a pod belongs to; a pod of its own is its own
// workload.
func ownerOf(pod *corev1.Pod) workload {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return workload{"Pod", pod.Namespace, pod.Name}
	}
	if owner.Kind == "ReplicaSet" {
		// The deployment controller names its ReplicaSets so.
		if name, cut := strings.CutSuffix(owner.Name, "-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]); cut {
			return workload{"Deployment", pod.Namespace, name}
		}
	}
	return workload{owner.Kind, pod.Namespace, owner.Name}
}

// PodStarts counts the pods that have started in a namespace since the control
// plane started, those that are gone included. Without Options.Controllers it
// is 0: nothing starts pods.
func (cp *ControlPlane) PodStarts(namespace string) int {
	return cp.player.sum(func(w workload) bool { return w.namespace == namespace })
}

// WorkloadPodStarts counts as PodStarts does, for one workload.
func (cp *ControlPlane) WorkloadPodStarts(kind, namespace, name string) int {
	return cp.player.sum(func(w workload) bool { return w == workload{kind, namespace, name} })
}

func (p *podPlayer) sum(of func(workload) bool) (total int) {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.started {
		if of(w) {
			total++
		}
	}
	return total
}
