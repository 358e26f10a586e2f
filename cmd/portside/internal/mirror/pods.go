package mirror

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pod is what is kept of a pod.
type Pod struct {
	Name    string
	Address string
	// Ready tells that it is, and is not being deleted.
	Ready bool
	// Running reports whether it has an address and is not being deleted,
	// whether or not it is ready.
	Running bool
	// Controller is the object that made it.
	Controller Controller
	// Ports are the named ones of its containers.
	Ports []NamedPort
}

// Controller is a reference to the object that controls another.
type Controller struct {
	Kind, Name string
	UID        types.UID
}

// NamedPort is a port of a container that can be meant by its name.
type NamedPort struct {
	Container, Name string
	Number          int32
}

func keepPod(object any) (Pod, bool) {
	p, ok := object.(*corev1.Pod)
	if !ok {
		return Pod{}, false
	}
	pod := Pod{
		Name: p.Name, Address: p.Status.PodIP,
		Ready:   p.DeletionTimestamp == nil && isReady(p),
		Running: p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning && p.Status.PodIP != "",
	}
	if c := metav1.GetControllerOfNoCopy(p); c != nil {
		pod.Controller = Controller{Kind: c.Kind, Name: c.Name, UID: c.UID}
	}
	for i := range p.Spec.Containers {
		for _, port := range p.Spec.Containers[i].Ports {
			if port.Name != "" && (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP) {
				pod.Ports = append(pod.Ports, NamedPort{p.Spec.Containers[i].Name, port.Name, port.ContainerPort})
			}
		}
	}
	return pod, true
}

func isReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// podChanged keeps the index of pods by their controller.
func (m *Mirror) podChanged(name types.NamespacedName, before, after *Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before != nil && (after == nil || before.Controller != after.Controller) {
		delete(m.podsOf[before.Controller.UID], name)
		if len(m.podsOf[before.Controller.UID]) == 0 {
			delete(m.podsOf, before.Controller.UID)
		}
	}
	if after == nil || after.Controller.UID == "" {
		return
	}
	if m.podsOf[after.Controller.UID] == nil {
		m.podsOf[after.Controller.UID] = map[types.NamespacedName]bool{}
	}
	m.podsOf[after.Controller.UID][name] = true
}

// PodsOf are the pods that an object controls, by name. They must not be
// changed.
func (m *Mirror) PodsOf(controller types.UID) []*Pod {
	m.mu.RLock()
	names := slices.Collect(maps.Keys(m.podsOf[controller]))
	m.mu.RUnlock()
	var pods []*Pod
	for _, name := range names {
		if p := m.pods.get(name); p != nil && p.Controller.UID == controller {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b *Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods
}

// ReplicaSets are the controllers of pods that may be ReplicaSets of a
// Deployment, going by their names.
func (m *Mirror) ReplicaSets(namespace, deployment string) []Controller {
	m.pods.mu.RLock()
	defer m.pods.mu.RUnlock()
	found := map[Controller]bool{}
	for name, row := range m.pods.rows {
		p := row.value // pods are not packed
		if name.Namespace == namespace && p.Controller.Kind == "ReplicaSet" && strings.HasPrefix(p.Controller.Name, deployment+"-") {
			found[p.Controller] = true
		}
	}
	return slices.Collect(maps.Keys(found))
}
