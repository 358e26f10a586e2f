package install_test

import (
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	kubernetes := func(text string) install.Options {
		v, err := install.ParseKubeVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		return install.Options{KubeVersion: v}
	}
	without := kubernetes("v1.29.3")
	without.WatchNamespace, without.WithoutPolicies = "storage", true
	for name, test := range map[string]struct {
		options install.Options
		want    string
	}{
		"defaults":                {install.Options{Namespace: "portside-system", FieldManager: "portside"}, ""},
		"names":                   {install.Options{Namespace: "ops", FieldManager: "files", WatchNamespace: "storage"}, " --namespace ops --field-manager files --watch-namespace storage"},
		"lists of namespaces":     {install.Options{DiscoveryNamespaces: []string{"a", "b"}, ExcludeNamespaces: []string{"c", "d"}}, " --discovery-namespace a,b --exclude-namespace c,d"},
		"default exclusion":       {install.Options{ExcludeNamespaces: []string{"kube-system"}}, ""},
		"no exclusion":            {install.Options{ExcludeNamespaces: []string{}}, " --exclude-namespace ''"},
		"services":                {install.Options{WatchNamespace: "storage", Services: true}, " --watch-namespace storage --services"},
		"a cluster with all":      {kubernetes("1.36+"), ""},
		"a cluster that lacks":    {kubernetes("v1.35.4"), " --kube-version 1.35.4"},
		"a cluster with a beta":   {install.Options{KubeVersion: kubernetes("v1.35.4").KubeVersion, BetaPolicies: true}, " --kube-version 1.35.4 --beta-policies"},
		"a beta is v1 by now":     {install.Options{KubeVersion: kubernetes("v1.36.3").KubeVersion, BetaPolicies: true}, ""},
		"a cluster that has none": {kubernetes("v1.29.3-eks-1"), " --kube-version 1.29.3"},
		"without policies":        {without, " --watch-namespace storage --without-policies"},
	} {
		if got := test.options.Flags(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
