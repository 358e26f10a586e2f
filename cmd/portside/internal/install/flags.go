package install

import (
	"cmp"
	"strings"

	"github.com/portside-dev/portside/apply"
)

// Flags returns the flags of portside install that make these options, but for
// the image, each with a space before it. Options with their default are left
// out.
func (o Options) Flags() string {
	var flags strings.Builder
	flag := func(name, value, byDefault string) {
		if value != "" && value != byDefault {
			flags.WriteString(" --" + name + " " + value)
		}
	}
	flag("namespace", o.Namespace, DefaultNamespace)
	flag("field-manager", o.FieldManager, apply.DefaultFieldManager)
	flag("watch-namespace", o.WatchNamespace, "")
	flag("discovery-namespace", strings.Join(o.DiscoveryNamespaces, ","), "")
	if excluded := strings.Join(o.ExcludeNamespaces, ","); o.ExcludeNamespaces != nil {
		flag("exclude-namespace", cmp.Or(excluded, "''"), DefaultExcludedNamespace)
	}
	if o.Services {
		flags.WriteString(" --services")
	}
	switch {
	case o.WithoutPolicies:
		flags.WriteString(" --without-policies")
	case !o.mutating() || !o.validating() || o.beta():
		flag("kube-version", o.KubeVersion.String(), "")
	}
	if o.beta() {
		flags.WriteString(" --beta-policies")
	}
	return flags.String()
}
