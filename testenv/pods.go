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

const kubeletWorkers = 2

// fakeKubelet is scheduler and kubelet at once: it binds a pod to its node, runs it
// and makes it ready as soon as it sees the pod, and removes it as soon as it is
// deleted. Pods run nothing, but each start is counted: that is the cost of a
// change of a pod template. A test may keep pods unready and serve HTTP for them.
type fakeKubelet struct {
	client kubernetes.Interface
	pods   corelisters.PodLister
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	started   map[types.UID]workload
	addresses int // number of addresses given out
	holds     map[*podHold]struct{}
	ending    map[*podHold]struct{}  // of pods that are deleted and do not end
	servers   map[string]*podServers // by namespace
}

// startFakeKubelet returns once the kubelet has seen the existing pods. ctx bounds
// only that.
func startFakeKubelet(ctx context.Context, client kubernetes.Interface) (*fakeKubelet, error) {
	if err := createNode(ctx, client, nodeName); err != nil {
		return nil, fmt.Errorf("cannot create the node: %w", err)
	}
	running, cancel := context.WithCancel(context.Background())
	k := &fakeKubelet{
		client: client,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](5*time.Millisecond, time.Second)),
		cancel:  cancel,
		started: map[types.UID]workload{},
		holds:   map[*podHold]struct{}{},
		ending:  map[*podHold]struct{}{},
		servers: map[string]*podServers{},
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	k.pods = factory.Core().V1().Pods().Lister()
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    k.enqueue,
		UpdateFunc: func(_, pod any) { k.enqueue(pod) },
		DeleteFunc: k.forget,
	}); err != nil {
		cancel()
		return nil, err
	}
	k.done.Go(func() { informer.RunWithContext(running) })
	for range kubeletWorkers {
		k.done.Go(func() { k.work(running) })
	}
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		k.stop()
		return nil, ctx.Err()
	}
	return k, nil
}

func (k *fakeKubelet) stop() {
	k.cancel()
	k.queue.ShutDown()
	k.done.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, servers := range k.servers {
		servers.close()
	}
}

func (k *fakeKubelet) enqueue(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		k.queue.Add(keyOf(pod))
	}
}

func (k *fakeKubelet) work(ctx context.Context) {
	for {
		key, shutdown := k.queue.Get()
		if shutdown {
			return
		}
		if err := k.advance(ctx, key); err != nil && ctx.Err() == nil {
			k.queue.AddRateLimited(key)
		} else {
			k.queue.Forget(key)
		}
		k.queue.Done(key)
	}
}

// advance takes a pod one step further. The event of that step enqueues it for the
// next.
func (k *fakeKubelet) advance(ctx context.Context, key types.NamespacedName) error {
	pod, err := k.pods.Pods(key.Namespace).Get(key.Name)
	if err != nil {
		return ignoreStale(err)
	}
	switch {
	case pod.DeletionTimestamp != nil && k.isHeld(k.ending, pod):
		return nil // it ends when it is released
	case pod.DeletionTimestamp != nil:
		k.serversOf(pod.Namespace).stop(key, pod.UID)
		return ignoreStale(k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64),
			Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		}))
	case pod.Spec.NodeName == "":
		return ignoreStale(k.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeOf(pod)},
		}, metav1.CreateOptions{}))
	case pod.Status.Phase == corev1.PodPending:
		return ignoreStale(k.run(ctx, pod))
	case pod.Status.Phase == corev1.PodRunning:
		return ignoreStale(k.setReadiness(ctx, pod))
	}
	return nil
}

// ignoreStale drops errors that report a change of the pod meanwhile: the event of
// that change enqueues it again.
func ignoreStale(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// run starts a pod. It does nothing new for a pod that runs, for which it may be
// called when the cache is behind or an answer was lost.
func (k *fakeKubelet) run(ctx context.Context, pod *corev1.Pod) error {
	k.count(pod) // before anyone can see the pod ready
	address, err := k.address(ctx, pod)
	if err != nil {
		return err
	}
	running := pod.DeepCopy()
	running.Status = runningStatus(pod, address, k.mayBeReady(pod))
	_, err = k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, running, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		k.forget(pod) // it may have been deleted before it was counted
	}
	return err
}

// address returns the address of a pod: that of its server, or one where nothing
// listens.
func (k *fakeKubelet) address(ctx context.Context, pod *corev1.Pod) (string, error) {
	if servers := k.serversOf(pod.Namespace); servers != nil {
		return servers.start(ctx, pod)
	}
	return k.nextIP(), nil
}

// forget handles a deleted pod. A pod that never ran does not count as a start.
func (k *fakeKubelet) forget(object any) {
	if unseen, ok := object.(cache.DeletedFinalStateUnknown); ok {
		if pod, ok := unseen.Obj.(*corev1.Pod); ok { // as last seen: it may have run since
			k.serversOf(pod.Namespace).stop(keyOf(pod), pod.UID)
		}
		return
	}
	if pod, ok := object.(*corev1.Pod); ok {
		k.serversOf(pod.Namespace).stop(keyOf(pod), pod.UID)
		if pod.Status.Phase == corev1.PodPending {
			k.uncount(pod)
		}
	}
}

func keyOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

func (k *fakeKubelet) nextIP() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.addresses++
	return fmt.Sprintf("10.%d.%d.%d", 100+k.addresses>>16&0x7f, k.addresses>>8&0xff, k.addresses&0xff)
}
