package mirror

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// Pod is what is kept of a pod. Of a pod that no object of [podControllers]
// controls that is the name alone: it cannot be a target's.
type Pod struct {
	Name    string
	Address string
	// Ready reports whether it is ready, and not being deleted.
	Ready bool
	// Running reports whether it runs, ready or not, and is not being deleted.
	Running bool
	// Controller is the object of apps/v1 that controls it.
	Controller Controller
	Labels     Labels
	// Ports are the named ones of its containers.
	Ports []NamedPort
}

// Controller is a reference to an object that controls pods.
type Controller struct {
	Kind       workload.Kind
	APIVersion string
	Name       string
	UID        types.UID
}

// controllerOf returns the controller of a pod, and false where it has none that
// controls the pods of a target.
func controllerOf(p *corev1.Pod) (Controller, bool) {
	c := metav1.GetControllerOfNoCopy(p)
	if c == nil {
		return Controller{}, false
	}
	kind := workload.KindOf(c.APIVersion, c.Kind)
	if !slices.ContainsFunc(workload.Definitions(), func(d *workload.Definition) bool {
		return d.ControlsPods(kind) && d.APIVersion() == c.APIVersion
	}) {
		return Controller{}, false
	}
	return Controller{Kind: kind, APIVersion: c.APIVersion, Name: c.Name, UID: c.UID}, true
}

// Labels are the labels of a pod as key=value,key=value: as a map they would
// take several times the memory.
type Labels string

var _ labels.Labels = Labels("")

// Has implements labels.Labels.
func (l Labels) Has(label string) bool {
	_, found := l.Lookup(label)
	return found
}

// Get implements labels.Labels.
func (l Labels) Get(label string) string {
	value, _ := l.Lookup(label)
	return value
}

// Lookup implements labels.Labels.
func (l Labels) Lookup(label string) (value string, found bool) {
	for pair := range strings.SplitSeq(string(l), ",") {
		if key, value, _ := strings.Cut(pair, "="); key == label && pair != "" {
			return value, true
		}
	}
	return "", false
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
	controller, known := controllerOf(p)
	if !known {
		return Pod{Name: p.Name}, true
	}
	stays := p.DeletionTimestamp == nil
	pod := Pod{
		Name: p.Name, Address: p.Status.PodIP,
		Ready: stays && isReady(p), Running: stays && p.Status.Phase == corev1.PodRunning,
		Controller: controller, Labels: Labels(labels.Set(p.Labels).String()),
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

// podIndex has the names of the pods of each controller, by namespace: a
// controller controls pods of its own namespace alone.
type podIndex map[string]map[Controller]map[string]bool

func (i podIndex) add(pod types.NamespacedName, c Controller) {
	if c == (Controller{}) {
		return
	}
	if i[pod.Namespace] == nil {
		i[pod.Namespace] = map[Controller]map[string]bool{}
	}
	if i[pod.Namespace][c] == nil {
		i[pod.Namespace][c] = map[string]bool{}
	}
	i[pod.Namespace][c][pod.Name] = true
}

func (i podIndex) remove(pod types.NamespacedName, c Controller) {
	delete(i[pod.Namespace][c], pod.Name)
	if len(i[pod.Namespace][c]) == 0 {
		delete(i[pod.Namespace], c)
	}
	if len(i[pod.Namespace]) == 0 {
		delete(i, pod.Namespace)
	}
}

// podChanged keeps the index of pods by their controller.
func (m *Mirror) podChanged(name types.NamespacedName, before, after *Pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before != nil {
		m.podsOf.remove(name, before.Controller)
	}
	if after != nil {
		m.podsOf.add(name, after.Controller)
	}
}

// PodsOf returns the pods of a namespace that a controller of it controls, by
// name. They must not be changed.
func (m *Mirror) PodsOf(namespace string, controller Controller) []*Pod {
	m.mu.RLock()
	names := slices.Sorted(maps.Keys(m.podsOf[namespace][controller]))
	m.mu.RUnlock()
	var pods []*Pod
	for _, name := range names {
		p := m.pods.get(types.NamespacedName{Namespace: namespace, Name: name})
		if p != nil && p.Controller == controller {
			pods = append(pods, p)
		}
	}
	return pods
}

// ReplicaSets returns the ReplicaSets of a namespace that have pods, by name.
func (m *Mirror) ReplicaSets(namespace string) []Controller {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Controller
	for c := range m.podsOf[namespace] {
		if c.Kind == workload.ReplicaSet {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b Controller) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.UID), string(b.UID)))
	})
	return found
}
