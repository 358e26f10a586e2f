package apply

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// TrimObject removes from a workload object what the decisions of an [Applier] with
// this field manager do not depend on, so that a cache can hold thousands of them. It
// changes the object. A [Workload] that is read from it must have its TrimmedFor set
// to the same manager. An empty manager is [DefaultFieldManager].
func TrimObject(object any, manager string) error {
	manager = cmp.Or(manager, DefaultFieldManager)
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		trimStatefulSet(o, manager)
	case *appsv1.Deployment:
		trimDeployment(o, manager)
	case *appsv1.DaemonSet:
		trimDaemonSet(o, manager)
	default:
		return fmt.Errorf("%T is not a workload", object)
	}
	return nil
}

func trimStatefulSet(s *appsv1.StatefulSet, manager string) {
	s.TypeMeta, s.ObjectMeta = metav1.TypeMeta{}, trimmedMeta(&s.ObjectMeta, manager)
	s.Spec = appsv1.StatefulSetSpec{
		Replicas: s.Spec.Replicas, Selector: s.Spec.Selector, UpdateStrategy: s.Spec.UpdateStrategy, Template: trimmedTemplate(&s.Spec.Template),
	}
	s.Status = appsv1.StatefulSetStatus{
		ObservedGeneration: s.Status.ObservedGeneration, Replicas: s.Status.Replicas, UpdatedReplicas: s.Status.UpdatedReplicas,
		ReadyReplicas: s.Status.ReadyReplicas, AvailableReplicas: s.Status.AvailableReplicas,
	}
}

func trimDeployment(d *appsv1.Deployment, manager string) {
	d.TypeMeta, d.ObjectMeta = metav1.TypeMeta{}, trimmedMeta(&d.ObjectMeta, manager)
	d.Spec = appsv1.DeploymentSpec{
		Replicas: d.Spec.Replicas, Selector: d.Spec.Selector, Paused: d.Spec.Paused,
		ProgressDeadlineSeconds: d.Spec.ProgressDeadlineSeconds, Template: trimmedTemplate(&d.Spec.Template),
	}
	var conditions []appsv1.DeploymentCondition
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing || c.Type == appsv1.DeploymentAvailable {
			conditions = append(conditions, appsv1.DeploymentCondition{Type: c.Type, Status: c.Status, Reason: c.Reason})
		}
	}
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Status.ObservedGeneration, Replicas: d.Status.Replicas, UpdatedReplicas: d.Status.UpdatedReplicas,
		ReadyReplicas: d.Status.ReadyReplicas, AvailableReplicas: d.Status.AvailableReplicas, Conditions: conditions,
	}
}

func trimDaemonSet(d *appsv1.DaemonSet, manager string) {
	d.TypeMeta, d.ObjectMeta = metav1.TypeMeta{}, trimmedMeta(&d.ObjectMeta, manager)
	d.Spec = appsv1.DaemonSetSpec{
		Selector: d.Spec.Selector, UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: d.Spec.UpdateStrategy.Type},
		Template: trimmedTemplate(&d.Spec.Template),
	}
	d.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: d.Status.ObservedGeneration, DesiredNumberScheduled: d.Status.DesiredNumberScheduled,
		CurrentNumberScheduled: d.Status.CurrentNumberScheduled, UpdatedNumberScheduled: d.Status.UpdatedNumberScheduled,
		NumberReady: d.Status.NumberReady, NumberAvailable: d.Status.NumberAvailable,
	}
}

// trimmedMeta returns the metadata that decisions depend on.
func trimmedMeta(m *metav1.ObjectMeta, manager string) metav1.ObjectMeta {
	annotations := onlyKeys(m.Annotations, PausedAnnotation, AllowHostNetworkAnnotation, corev1.LastAppliedConfigAnnotation, syncOptions)
	if _, applied := annotations[corev1.LastAppliedConfigAnnotation]; applied {
		annotations[corev1.LastAppliedConfigAnnotation] = "" // that it exists counts
	}
	return metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		Annotations: annotations, ManagedFields: trimmedEntries(m.ManagedFields, manager),
	}
}

// onlyKeys returns a map with these keys of another, nil if that has none of them.
func onlyKeys(from map[string]string, keys ...string) map[string]string {
	var kept map[string]string
	for _, key := range keys {
		if value, found := from[key]; found {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = value
		}
	}
	return kept
}

// trimmedEntries returns managedFields without times. Entries of the manager stay
// whole, so that fields which are no ports are seen. Others keep the fields of
// [keepsField]; one that has none of them is dropped, but for that of Argo CD, of
// which it counts that it wrote. If an entry cannot be read all stay as they are, so
// that reading them fails as before.
func trimmedEntries(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	entries, err := fieldmanager.Decode(managed)
	kept := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		e := &managed[i]
		fields := string(e.FieldsV1.GetRawBytes())
		if err == nil && entries[i].Manager != fieldmanager.Applier(manager) {
			trimmed := keptFields(entries[i].Fields)
			if trimmed.Empty() && !isArgo(entries[i].Manager) {
				continue
			}
			fields = jsonOf(trimmed, fields)
		}
		kept = append(kept, reducedEntry(e, fields))
	}
	return kept
}

// keptFields returns the fields of [keepsField].
func keptFields(fields *fieldpath.Set) *fieldpath.Set {
	kept := fieldpath.NewSet()
	fields.Iterate(func(p fieldpath.Path) {
		if keepsField(p) {
			kept.Insert(p.Copy())
		}
	})
	return kept
}

// jsonOf returns a set as JSON, or another text where that fails.
func jsonOf(set *fieldpath.Set, otherwise string) string {
	if text, err := set.ToJSON(); err == nil {
		return string(text)
	}
	return otherwise
}

var lastAppliedPath = fieldpath.MakePathOrDie("metadata", "annotations", corev1.LastAppliedConfigAnnotation)

// keepsField reports whether a decision or a warning depends on who owns a field:
// what a container's ports depend on, its image, the selector, and the annotation of
// client-side apply.
func keepsField(p fieldpath.Path) bool {
	depth := len(containersPath)
	isImage := len(p) == depth+2 && p[:depth].Equals(containersPath) && p[depth+1].FieldName != nil && *p[depth+1].FieldName == "image"
	return decides(p) || isImage || p.Equals(selectorPath) || p.Equals(lastAppliedPath)
}

// trimmedTemplate returns the pod template with its containers' names, ports and
// the named ports that their probes and lifecycle handlers refer to.
func trimmedTemplate(t *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	trimmed := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Annotations: onlyKeys(t.Annotations, DefaultContainerAnnotation)},
		Spec:       corev1.PodSpec{HostNetwork: t.Spec.HostNetwork},
	}
	for i := range t.Spec.Containers {
		c := &t.Spec.Containers[i]
		trimmed.Spec.Containers = append(trimmed.Spec.Containers, corev1.Container{
			Name: c.Name, Ports: c.Ports, Lifecycle: trimmedLifecycle(c.Lifecycle),
			LivenessProbe: trimmedProbe(c.LivenessProbe), ReadinessProbe: trimmedProbe(c.ReadinessProbe), StartupProbe: trimmedProbe(c.StartupProbe),
		})
	}
	for i := range t.Spec.InitContainers {
		trimmed.Spec.InitContainers = append(trimmed.Spec.InitContainers, corev1.Container{Name: t.Spec.InitContainers[i].Name})
	}
	return trimmed
}

// trimmedProbe returns a probe with the port that it names, nil if it names none.
func trimmedProbe(p *corev1.Probe) *corev1.Probe {
	if p == nil {
		return nil
	}
	get, socket := namedPorts(p.HTTPGet, p.TCPSocket)
	if get == nil && socket == nil {
		return nil
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: get, TCPSocket: socket}}
}

func trimmedLifecycle(l *corev1.Lifecycle) *corev1.Lifecycle {
	if l == nil {
		return nil
	}
	trimmed := &corev1.Lifecycle{PostStart: trimmedHandler(l.PostStart), PreStop: trimmedHandler(l.PreStop)}
	if trimmed.PostStart == nil && trimmed.PreStop == nil {
		return nil
	}
	return trimmed
}

func trimmedHandler(h *corev1.LifecycleHandler) *corev1.LifecycleHandler {
	if h == nil {
		return nil
	}
	get, socket := namedPorts(h.HTTPGet, h.TCPSocket)
	if get == nil && socket == nil {
		return nil
	}
	return &corev1.LifecycleHandler{HTTPGet: get, TCPSocket: socket}
}

// namedPorts returns the actions with nothing but a port that they name.
func namedPorts(get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) (*corev1.HTTPGetAction, *corev1.TCPSocketAction) {
	if get != nil {
		get = &corev1.HTTPGetAction{Port: get.Port}
		if get.Port.Type != intstr.String {
			get = nil
		}
	}
	if socket != nil {
		socket = &corev1.TCPSocketAction{Port: socket.Port}
		if socket.Port.Type != intstr.String {
			socket = nil
		}
	}
	return get, socket
}
