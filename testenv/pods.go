package testenv

import (
	"context"
	"fmt"
	"sync"
	"time"

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

const playerWorkers = 2

// podPlayer is scheduler and kubelet at once: a pod is bound to its node, runs
// and is ready as soon as it is seen, and is removed as soon as it is deleted.
// Pods run nothing, but each start is counted, and that is what a change of a
// pod template costs. A test may hold pods unready, and serve for them.
type podPlayer struct {
	client kubernetes.Interface
	pods   corelisters.PodLister
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	started   map[types.UID]workload
	addresses int // given out so far
	holds     map[*podHold]struct{}
	sites     map[string]*podSite // by namespace
}

// startPodPlayer returns when the player has seen the pods that are there; ctx
// bounds that alone.
func startPodPlayer(ctx context.Context, client kubernetes.Interface) (*podPlayer, error) {
	if err := createNode(ctx, client, nodeName); err != nil {
		return nil, fmt.Errorf("creating the node: %w", err)
	}
	running, cancel := context.WithCancel(context.Background())
	p := &podPlayer{
		client: client,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](5*time.Millisecond, time.Second)),
		cancel:  cancel,
		started: map[types.UID]workload{},
		holds:   map[*podHold]struct{}{},
		sites:   map[string]*podSite{},
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	p.pods = factory.Core().V1().Pods().Lister()
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    p.enqueue,
		UpdateFunc: func(_, pod any) { p.enqueue(pod) },
		DeleteFunc: p.forget,
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
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, site := range p.sites {
		site.close()
	}
}

func (p *podPlayer) enqueue(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		p.queue.Add(keyOf(pod))
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
		p.site(pod.Namespace).leave(key, pod.UID)
		return ignoreStale(p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64),
			Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		}))
	case pod.Spec.NodeName == "":
		return ignoreStale(p.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeOf(pod)},
		}, metav1.CreateOptions{}))
	case pod.Status.Phase == corev1.PodPending:
		return ignoreStale(p.run(ctx, pod))
	case pod.Status.Phase == corev1.PodRunning:
		return ignoreStale(p.setReadiness(ctx, pod))
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

// run starts a pod. It may be called again for a pod that runs, when the cache is
// behind or an answer was lost, and then does nothing new.
func (p *podPlayer) run(ctx context.Context, pod *corev1.Pod) error {
	p.count(pod) // before the server tells it: who sees the pod ready must find it counted
	address, err := p.address(ctx, pod)
	if err != nil {
		return err
	}
	running := pod.DeepCopy()
	running.Status = runningStatus(pod, address, p.mayBeReady(pod))
	_, err = p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, running, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		p.forget(pod) // it may have gone before it was counted
	}
	return err
}

// address is where a pod is: where it is served from, or else nowhere.
func (p *podPlayer) address(ctx context.Context, pod *corev1.Pod) (string, error) {
	if site := p.site(pod.Namespace); site != nil {
		return site.enter(ctx, pod)
	}
	return p.nextIP(), nil
}

// forget is told of a pod that is gone. One that never ran was no start.
func (p *podPlayer) forget(object any) {
	if unseen, ok := object.(cache.DeletedFinalStateUnknown); ok {
		if pod, ok := unseen.Obj.(*corev1.Pod); ok { // as it was last seen: it may have run since
			p.site(pod.Namespace).leave(keyOf(pod), pod.UID)
		}
		return
	}
	if pod, ok := object.(*corev1.Pod); ok {
		p.site(pod.Namespace).leave(keyOf(pod), pod.UID)
		if pod.Status.Phase == corev1.PodPending {
			p.uncount(pod)
		}
	}
}

func keyOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

func (p *podPlayer) nextIP() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addresses++
	return fmt.Sprintf("10.%d.%d.%d", 100+p.addresses>>16&0x7f, p.addresses>>8&0xff, p.addresses&0xff)
}
