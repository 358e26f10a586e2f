// Package install makes the manifests that install portside: it renders the Helm
// chart of examples/chart for a namespace, a field manager, a version of Kubernetes
// and one or all of the namespaces with workloads.
//
// The objects of an installation carry its field manager's name, so that two
// installations can share a cluster. The CRD, the namespace and the roles of
// those who write AdapterSets are shared.
package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/fieldmanager"
)

// DefaultNamespace is where portside runs.
const DefaultNamespace = "portside-system"

// DefaultImage is the image of a build without a version. It is not published.
const DefaultImage = "portside:devel"

// DefaultExcludedNamespace is the one namespace that an installation excludes
// unless its options name others.
const DefaultExcludedNamespace = "kube-system"

// The versions of Kubernetes from which on a kind of policy is v1, or v1beta1 and off
// by default, see
// https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
// and https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/.
var (
	validatingPolicies   = version.MajorMinor(1, 30)
	betaMutatingPolicies = version.MajorMinor(1, 34)
	mutatingPolicies     = version.MajorMinor(1, 36)
)

// BetaFlags are the flags of kube-apiserver that enable MutatingAdmissionPolicy as
// v1beta1.
const BetaFlags = "--feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true"

// Options describe an installation. Empty ones take the defaults.
type Options struct {
	// Namespace that portside runs in.
	Namespace string
	// Image of the Deployment.
	Image string
	// FieldManager to apply as. It names the objects of the installation.
	FieldManager string
	// WatchNamespace is the one namespace with workloads; empty means all.
	WatchNamespace string
	// DiscoveryNamespaces are those whose Secrets portside may read, for
	// discovery with credentials. With WatchNamespace no other one can be.
	DiscoveryNamespaces []string
	// ExcludeNamespaces are those whose workloads portside must not write to;
	// nil means [DefaultExcludedNamespace], and an empty list none.
	ExcludeNamespaces []string
	// Services lets portside manage the ports of Services as well.
	Services bool
	// KubeVersion is the cluster's; nil means one that has every policy.
	KubeVersion *version.Version
	// BetaPolicies includes the MutatingAdmissionPolicy as v1beta1 where the cluster's
	// version has no v1. The API server must serve it, see [BetaFlags].
	BetaPolicies bool
	// WithoutPolicies leaves the admission policies out, for who may install
	// nothing cluster-wide. RBAC has to keep portside in one namespace then.
	WithoutPolicies bool
}

// ParseKubeVersion reads a version of Kubernetes as people and servers write it:
// 1.36, v1.36.2, 1.30+.
func ParseKubeVersion(text string) (*version.Version, error) {
	v, err := version.ParseGeneric(strings.TrimSuffix(text, "+"))
	if err != nil {
		return nil, fmt.Errorf("%q is not a version of Kubernetes such as 1.36", text)
	}
	return v, nil
}

// complete fills in the defaults, and refuses what makes no manifests.
func (o Options) complete() (Options, error) {
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Image == "" {
		o.Image = DefaultImage
	}
	if o.FieldManager == "" {
		o.FieldManager = apply.DefaultFieldManager
	}
	if err := fieldmanager.ValidateName(o.FieldManager); err != nil {
		return o, err
	}
	for what, name := range map[string]string{"the field manager": o.FieldManager, "the namespace": o.Namespace} {
		if errs := validation.IsDNS1123Label(name); len(errs) > 0 {
			return o, fmt.Errorf("%s %q cannot name objects: %s", what, name, errs[0])
		}
	}
	if errs := validation.IsDNS1123Label(o.WatchNamespace); o.WatchNamespace != "" && len(errs) > 0 {
		return o, fmt.Errorf("the namespace to watch %q: %s", o.WatchNamespace, errs[0])
	}
	o, err := o.completeNamespaces()
	if err != nil {
		return o, err
	}
	if strings.ContainsAny(o.Image, " \t\n") {
		return o, fmt.Errorf("the image %q has white space in it", o.Image)
	}
	if o.WithoutPolicies && o.WatchNamespace == "" {
		return o, errors.New("without policies portside could change every field of every workload: name the one namespace to watch as well")
	}
	return o, nil
}

// completeNamespaces checks the lists of namespaces, and leaves each name in them
// once.
func (o Options) completeNamespaces() (Options, error) {
	if o.ExcludeNamespaces == nil {
		o.ExcludeNamespaces = []string{DefaultExcludedNamespace}
	}
	o.DiscoveryNamespaces = slices.Compact(slices.Sorted(slices.Values(o.DiscoveryNamespaces)))
	o.ExcludeNamespaces = slices.Compact(slices.Sorted(slices.Values(o.ExcludeNamespaces)))
	for what, names := range map[string][]string{"discovery": o.DiscoveryNamespaces, "exclude": o.ExcludeNamespaces} {
		for _, name := range names {
			if errs := validation.IsDNS1123Label(name); len(errs) > 0 {
				return o, fmt.Errorf("the %s namespace %q: %s", what, name, errs[0])
			}
		}
	}
	for _, name := range o.DiscoveryNamespaces {
		if o.WatchNamespace != "" && name != o.WatchNamespace {
			return o, fmt.Errorf("the discovery namespace %q is not the namespace to watch, %q: portside would have no use for its Secrets", name, o.WatchNamespace)
		}
	}
	if slices.Contains(o.ExcludeNamespaces, o.WatchNamespace) {
		return o, fmt.Errorf("the namespace to watch %q is excluded: watch another one, or exclude others", o.WatchNamespace)
	}
	return o, nil
}

func (o Options) validating() bool {
	return !o.WithoutPolicies && (o.KubeVersion == nil || o.KubeVersion.AtLeast(validatingPolicies))
}

func (o Options) mutating() bool {
	return !o.WithoutPolicies && (o.KubeVersion == nil || o.KubeVersion.AtLeast(mutatingPolicies)) || o.beta()
}

// beta reports whether the MutatingAdmissionPolicy is v1beta1.
func (o Options) beta() bool { return o.BetaPolicies && o.CanHaveBeta() }

// CanHaveBeta reports whether the cluster's version has MutatingAdmissionPolicy as
// v1beta1 alone, which BetaPolicies would include.
func (o Options) CanHaveBeta() bool {
	return !o.WithoutPolicies && o.KubeVersion != nil &&
		o.KubeVersion.AtLeast(betaMutatingPolicies) && o.KubeVersion.LessThan(mutatingPolicies)
}

// Releases names the releases of Kubernetes that the manifests are for.
func (o Options) Releases() string {
	switch {
	case o.beta():
		return "Kubernetes 1.34 and 1.35, where kube-apiserver runs with " + BetaFlags
	case o.mutating():
		return fmt.Sprintf("Kubernetes %s and later; for an older cluster give --kube-version", mutatingPolicies)
	case o.validating():
		return fmt.Sprintf("Kubernetes %s and later", validatingPolicies)
	case o.KubeVersion != nil:
		return "Kubernetes " + o.KubeVersion.String()
	}
	return "every supported release of Kubernetes"
}

// Losses are what an installation with these options goes without, each a
// sentence for the one who installs it.
func (o Options) Losses() []string {
	var losses []string
	written := "workloads"
	if o.Services {
		written += " and Services"
	}
	if !o.validating() {
		why := o.why("ValidatingAdmissionPolicy", validatingPolicies)
		losses = append(losses,
			"no guard policy ("+why+"): RBAC alone lets portside's ServiceAccount, and who steals its token, patch every field of the "+written+" that it may patch",
			"no name policy ("+why+"): everybody who may patch a workload may write under portside's field manager")
	}
	if !o.mutating() {
		why := o.why("MutatingAdmissionPolicy", mutatingPolicies)
		if o.CanHaveBeta() {
			why += ", and v1beta1 with --beta-policies"
		}
		losses = append(losses, "no leftover policy ("+why+
			"): while portside owns ports in a container, its owner cannot rename or remove it by server-side apply; first run: portside release KIND/NAME -n NAMESPACE"+o.fieldManagerFlag())
	}
	return losses
}

// fieldManagerFlag returns the flag of the other commands for this installation,
// with a space before it; empty for the default.
func (o Options) fieldManagerFlag() string {
	return Options{FieldManager: o.FieldManager}.Flags()
}

func (o Options) why(kind string, from *version.Version) string {
	if o.WithoutPolicies {
		return "not asked for"
	}
	return fmt.Sprintf("%s is v1 from Kubernetes %s on", kind, from)
}
