package v1alpha1

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// targetAPIVersion is the API version of every kind of target.
	targetAPIVersion = "apps/v1"
	// minIntervalSeconds keeps a typing error from becoming a flood.
	minIntervalSeconds = 5
	maxIntervalSeconds = 3600
	minTimeoutSeconds  = 1
	// maxTimeoutSeconds is how long a pod that does not answer takes the place of
	// another's question.
	maxTimeoutSeconds = 60
	// maxPathLength is how long a request's path may be, in characters.
	maxPathLength = 1024
)

var (
	targetKinds         = []string{"StatefulSet", "Deployment", "DaemonSet"}
	schemes             = []Scheme{SchemeHTTP, SchemeHTTPS}
	protocols           = []string{"TCP", "UDP", "SCTP"}
	deletionPolicies    = []DeletionPolicy{DeletionRetain, DeletionRemove}
	hostNetworkPolicies = []HostNetworkPolicy{HostNetworkBlock, HostNetworkAllow}
)

// validate checks a set with its defaults filled in, beyond the shape of its
// fields. In the cluster, the markers on the types do the same.
func validate(set *AdapterSet) field.ErrorList {
	metadata := field.NewPath("metadata")
	errs := checkName(set.Name, validation.IsDNS1123Subdomain, metadata.Child("name"))
	if set.Namespace != "" {
		errs = append(errs, checkName(set.Namespace, validation.IsDNS1123Label, metadata.Child("namespace"))...)
	}
	errs = append(errs, metavalidation.ValidateLabels(set.Labels, metadata.Child("labels"))...)
	errs = append(errs, apivalidation.ValidateAnnotations(set.Annotations, metadata.Child("annotations"))...)
	spec, path := &set.Spec, field.NewPath("spec")
	errs = append(errs, validateTargetRef(spec.TargetRef, path.Child("targetRef"))...)
	if spec.Container != "" {
		errs = append(errs, checkName(spec.Container, validation.IsDNS1123Label, path.Child("container"))...)
	}
	errs = append(errs, validateSource(spec, path)...)
	errs = append(errs, validateRollout(spec.Rollout, path.Child("rollout"))...)
	errs = append(errs, checkEnum(spec.HostNetwork, hostNetworkPolicies, path.Child("hostNetwork"))...)
	return append(errs, checkEnum(spec.DeletionPolicy, deletionPolicies, path.Child("deletionPolicy"))...)
}

func validateTargetRef(ref TargetRef, path *field.Path) field.ErrorList {
	errs := checkEnum(ref.APIVersion, []string{targetAPIVersion}, path.Child("apiVersion"))
	errs = append(errs, checkEnum(ref.Kind, targetKinds, path.Child("kind"))...)
	return append(errs, checkName(ref.Name, validation.IsDNS1123Subdomain, path.Child("name"))...)
}

// validateSource checks where the adapters come from: the list or discovery.
func validateSource(spec *AdapterSetSpec, path *field.Path) field.ErrorList {
	switch {
	case len(spec.Adapters) > 0 && spec.Discovery != nil:
		return field.ErrorList{field.Forbidden(path.Child("discovery"), "adapters and discovery exclude each other")}
	case spec.Discovery != nil:
		return validateHTTP(spec.Discovery.HTTP, path.Child("discovery", "http"))
	}
	return validateAdapters(spec.Adapters, path.Child("adapters"))
}

func validateAdapters(adapters []Adapter, path *field.Path) field.ErrorList {
	if len(adapters) > MaxAdapters {
		return field.ErrorList{field.TooMany(path, len(adapters), MaxAdapters)}
	}
	errs := field.ErrorList{}
	seen := map[string]bool{}
	for i, adapter := range adapters {
		errs = append(errs, validateAdapter(adapter, path.Index(i))...)
		if seen[adapter.Type] {
			errs = append(errs, field.Duplicate(path.Index(i).Child("type"), shorten(adapter.Type)))
		}
		seen[adapter.Type] = true
	}
	return errs
}

func validateAdapter(adapter Adapter, path *field.Path) field.ErrorList {
	errs := checkLength(adapter.Type, MaxTypeLength, path.Child("type"))
	switch {
	case adapter.Type == "":
		errs = append(errs, field.Required(path.Child("type"), ""))
	case strings.ContainsFunc(adapter.Type, isNoTypeCharacter):
		errs = append(errs, field.Invalid(path.Child("type"), shorten(adapter.Type), "must be printable ASCII characters other than a backslash"))
	case !strings.ContainsFunc(adapter.Type, isInPortName):
		errs = append(errs, field.Invalid(path.Child("type"), adapter.Type, "must have a letter or a digit, for the name of the port"))
	}
	errs = append(errs, invalid(validation.IsValidPortNum(int(adapter.Port)), adapter.Port, path.Child("port"))...)
	return append(errs, checkEnum(adapter.Protocol, protocols, path.Child("protocol"))...)
}

// isInPortName reports whether the name of a port can have the character, in
// lower case.
func isInPortName(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// ValidType reports whether a text can be the type of an adapter: 1 to
// [MaxTypeLength] printable ASCII characters other than the backslash.
func ValidType(text string) bool {
	return text != "" && len(text) <= MaxTypeLength && !strings.ContainsFunc(text, isNoTypeCharacter)
}

// isNoTypeCharacter reports whether a character can be in no type. The backslash
// is what escapes such a character where an invalid type is shown.
func isNoTypeCharacter(r rune) bool { return r < ' ' || r > '~' || r == '\\' }

func validateHTTP(http *HTTPDiscovery, path *field.Path) field.ErrorList {
	errs := validateHTTPPort(http.Port, path.Child("port"))
	errs = append(errs, checkEnum(http.Scheme, schemes, path.Child("scheme"))...)
	if name := http.ServerName; name != "" {
		errs = append(errs, checkName(name, validation.IsDNS1123Subdomain, path.Child("serverName"))...)
	}
	if !strings.HasPrefix(http.Path, "/") {
		errs = append(errs, field.Invalid(path.Child("path"), shorten(http.Path), "must begin with /"))
	}
	errs = append(errs, checkLength(http.Path, maxPathLength, path.Child("path"))...)
	interval, timeout := *http.IntervalSeconds, *http.TimeoutSeconds
	errs = append(errs, checkWithin(interval, minIntervalSeconds, maxIntervalSeconds, path.Child("intervalSeconds"))...)
	errs = append(errs, checkWithin(timeout, minTimeoutSeconds, maxTimeoutSeconds, path.Child("timeoutSeconds"))...)
	if timeout >= interval {
		errs = append(errs, field.Invalid(path.Child("timeoutSeconds"), timeout, "must be less than intervalSeconds"))
	}
	if ref := http.CredentialsRef; ref != nil {
		errs = append(errs, checkName(ref.Name, validation.IsDNS1123Subdomain, path.Child("credentialsRef", "name"))...)
	}
	return errs
}

func validateHTTPPort(port intstr.IntOrString, path *field.Path) field.ErrorList {
	problems := validation.IsValidPortNum(port.IntValue())
	value := any(port.IntVal)
	if port.Type == intstr.String {
		problems, value = validation.IsValidPortName(port.StrVal), shorten(port.StrVal)
	}
	return invalid(problems, value, path)
}

func validateRollout(rollout Rollout, path *field.Path) field.ErrorList {
	errs := checkAtLeast(*rollout.StabilizationWindowSeconds, 0, path.Child("stabilizationWindowSeconds"))
	return append(errs, checkAtLeast(*rollout.RemovalDelaySeconds, 0, path.Child("removalDelaySeconds"))...)
}

// checkName applies one of Kubernetes' rules for names.
func checkName(name string, rule func(string) []string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "")}
	}
	return invalid(rule(name), shorten(name), path)
}

func checkEnum[T ~string](value T, known []T, path *field.Path) field.ErrorList {
	if slices.Contains(known, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, shorten(string(value)), known)}
}

func checkAtLeast(value, least int32, path *field.Path) field.ErrorList {
	if value >= least {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, fmt.Sprintf("must be at least %d", least))}
}

func checkWithin(value, least, most int32, path *field.Path) field.ErrorList {
	if value > most {
		return field.ErrorList{field.Invalid(path, value, fmt.Sprintf("must be at most %d", most))}
	}
	return checkAtLeast(value, least, path)
}

// checkLength checks the length of a text, in characters.
func checkLength(text string, most int, path *field.Path) field.ErrorList {
	if utf8.RuneCountInString(text) <= most {
		return nil
	}
	return field.ErrorList{field.TooLongCharacters(path, text, most)}
}

func invalid(problems []string, value any, path *field.Path) field.ErrorList {
	errs := field.ErrorList{}
	for _, problem := range problems {
		errs = append(errs, field.Invalid(path, value, problem))
	}
	return errs
}
