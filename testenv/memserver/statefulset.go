package memserver

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// defaultStatefulSet sets the defaults of apps/v1 and of the pod template.
func defaultStatefulSet(s *appsv1.StatefulSet) {
	spec := &s.Spec
	orDefault(&spec.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	if spec.UpdateStrategy.Type == "" {
		spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		if spec.UpdateStrategy.RollingUpdate == nil {
			spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{}
		}
	}
	if rolling := spec.UpdateStrategy.RollingUpdate; rolling != nil {
		orDefault(&rolling.Partition, ptr.To[int32](0))
		orDefault(&rolling.MaxUnavailable, new(intstr.FromInt32(1)))
	}
	orDefault(&spec.PersistentVolumeClaimRetentionPolicy, &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	orDefault(&spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	orDefault(&spec.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	orDefault(&spec.Replicas, ptr.To[int32](1))
	orDefault(&spec.RevisionHistoryLimit, ptr.To[int32](10))

	pod := &spec.Template.Spec
	orDefault(&pod.DNSPolicy, corev1.DNSClusterFirst)
	orDefault(&pod.RestartPolicy, corev1.RestartPolicyAlways)
	orDefault(&pod.SecurityContext, &corev1.PodSecurityContext{})
	orDefault(&pod.TerminationGracePeriodSeconds, ptr.To[int64](corev1.DefaultTerminationGracePeriodSeconds))
	orDefault(&pod.SchedulerName, corev1.DefaultSchedulerName)
	for i := range pod.Containers {
		c := &pod.Containers[i]
		orDefault(&c.ImagePullPolicy, pullPolicy(c.Image))
		orDefault(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
		orDefault(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
		for j := range c.Ports {
			orDefault(&c.Ports[j].Protocol, corev1.ProtocolTCP)
		}
	}
}

// pullPolicy returns the policy of an image: Always where its tag is latest or none.
func pullPolicy(image string) corev1.PullPolicy {
	if name := image[strings.LastIndex(image, "/")+1:]; !strings.Contains(name, ":") || strings.HasSuffix(name, ":latest") {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// orDefault sets a value that is zero.
func orDefault[T comparable](value *T, to T) {
	if zero := *new(T); *value == zero {
		*value = to
	}
}

func prepareStatefulSet(_ *Server, s, old *appsv1.StatefulSet) error {
	if old == nil {
		s.Status, s.Generation = appsv1.StatefulSetStatus{}, 1
		return nil
	}
	s.Status = old.Status
	if !equality.Semantic.DeepEqual(old.Spec, s.Spec) {
		s.Generation = old.Generation + 1
	}
	return nil
}

// validateStatefulSet returns the refusals of containers and their ports.
func validateStatefulSet(s *appsv1.StatefulSet) (errs field.ErrorList) {
	containers := field.NewPath("spec", "template", "spec", "containers")
	if len(s.Spec.Template.Spec.Containers) == 0 {
		errs = append(errs, field.Required(containers, ""))
	}
	hostPorts := map[string]bool{}
	var conflicts field.ErrorList
	for i, c := range s.Spec.Template.Spec.Containers {
		at := containers.Index(i)
		if c.Image == "" {
			errs = append(errs, field.Required(at.Child("image"), ""))
		}
		errs = append(errs, validateContainerPorts(c.Ports, at.Child("ports"))...)
		for j, p := range c.Ports {
			key := fmt.Sprintf("%s/%s/%d", p.Protocol, p.HostIP, p.HostPort)
			if p.HostPort != 0 && hostPorts[key] {
				conflicts = append(conflicts, field.Duplicate(at.Child("ports").Index(j).Child("hostPort"), key))
			}
			hostPorts[key] = true
		}
	}
	return append(errs, conflicts...)
}

// validateContainerPorts returns the refusals of facts 4 and 11.
func validateContainerPorts(ports []corev1.ContainerPort, at *field.Path) (errs field.ErrorList) {
	names := map[string]bool{}
	for i, p := range ports {
		item := at.Index(i)
		if invalid := validation.IsValidPortName(p.Name); p.Name != "" && len(invalid) > 0 {
			for _, message := range invalid {
				errs = append(errs, field.Invalid(item.Child("name"), p.Name, message))
			}
		} else if names[p.Name] && p.Name != "" {
			errs = append(errs, field.Duplicate(item.Child("name"), p.Name))
		}
		names[p.Name] = true
		if p.ContainerPort == 0 {
			errs = append(errs, field.Required(item.Child("containerPort"), ""))
		} else {
			errs = append(errs, validatePortNumber(p.ContainerPort, item.Child("containerPort"))...)
		}
		if p.HostPort != 0 {
			errs = append(errs, validatePortNumber(p.HostPort, item.Child("hostPort"))...)
		}
		errs = append(errs, validateProtocol(p.Protocol, item.Child("protocol"))...)
	}
	return errs
}

func validatePortNumber(number int32, at *field.Path) (errs field.ErrorList) {
	for _, message := range validation.IsValidPortNum(int(number)) {
		errs = append(errs, field.Invalid(at, number, message))
	}
	return errs
}

func validateProtocol(p corev1.Protocol, at *field.Path) field.ErrorList {
	switch p {
	case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
		return nil
	case "":
		return field.ErrorList{field.Required(at, "")}
	}
	return field.ErrorList{field.NotSupported(at, p, []corev1.Protocol{corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP})}
}
