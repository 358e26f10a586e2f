package check_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestPermissions expects findings for missing and for excess permissions.
func TestPermissions(t *testing.T) {
	t.Parallel()
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		s := installed(t)
		s.kubectl("", "patch", "role", "-n", s.options.WatchNamespace, s.options.FieldManager, "--type=json", "-p", `[
		  {"op":"replace","path":"/rules/0/verbs","value":["get","list","watch"]},
		  {"op":"test","path":"/rules/4/resources","value":["adaptersets/status"]}, {"op":"remove","path":"/rules/4"}]`)
		s.awaitPermission("patch", "apps", "daemonsets", false)
		missing := []string{"Error Permissions ServiceAccount |it may not patch adaptersets/status.portside.dev"}
		for _, d := range workload.Definitions() {
			missing = append(missing, "Error Permissions ServiceAccount |it may not patch "+d.GroupResource().String())
		}
		slices.Sort(missing)
		s.expect(missing...)
	})
	for name, test := range map[string]struct{ rule, want string }{
		"excess":           {`{apiGroups: [apps], resources: [statefulsets/scale, statefulsets], verbs: [update]}`, "Error |more than it needs|update statefulsets.apps,|update statefulsets/scale.apps"},
		"all":              {`{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`, "Error |: * *.*"},
		"all secrets":      {`{apiGroups: [""], resources: [secrets], verbs: [list, update]}`, "Error |list secrets"},
		"excess, harmless": {`{apiGroups: [example.com], resources: [things], verbs: [list, update]}`, "Warning |things.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			s.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: more, namespace: `+s.options.WatchNamespace+`}, rules: [`+test.rule+`,
			  {apiGroups: [apps], resources: [statefulsets], verbs: [update], resourceNames: [probe]}]}`, "apply", "-f", "-")
			s.kubectl("", "create", "rolebinding", "more", "-n", s.options.WatchNamespace, "--role=more", "--serviceaccount="+s.options.Namespace+":"+s.options.FieldManager)
			testenv.Eventually(t, "the role to be in force", func(context.Context) error {
				for _, f := range s.check(s.Config()) {
					if strings.Contains(f.Message, "/probe") {
						return nil
					}
				}
				return errors.New("not in any finding")
			})
			found := false
			for _, f := range s.check(s.Config()) {
				line := string(f.State) + " " + f.Message
				found = found || !slices.ContainsFunc(strings.Split(test.want, "|"), func(part string) bool { return !strings.Contains(line, part) })
			}
			if !found {
				t.Errorf("no %q in %v", test.want, s.check(s.Config()))
			}
		})
	}
}

// TestSecrets expects that Secrets can be read where an AdapterSet refers to one or
// the options name the namespace, and nowhere else.
func TestSecrets(t *testing.T) {
	t.Parallel()
	t.Run("referred to and not granted", func(t *testing.T) {
		t.Parallel()
		s := installed(t)
		s.workload("files")
		s.asking("files", "files")
		s.expect("Error Permissions ServiceAccount |it may not get secrets in namespace " + s.options.WatchNamespace + "|run: portside install --image IMAGE --namespace |--discovery-namespace " + s.options.WatchNamespace + " | kubectl apply --server-side -f -")
	})
	for name, asks := range map[string]bool{"granted and referred to": true, "granted and not referred to": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.options.DiscoveryNamespaces = []string{s.options.WatchNamespace}
			s.install()
			s.awaitPermission("get", "", "secrets", true)
			s.expect()
			s.options.DiscoveryNamespaces = nil
			if asks {
				s.workload("files")
				s.asking("files", "files")
				s.expect()
			} else {
				s.expect("Error Permissions ServiceAccount |more than it needs|get secrets")
			}
		})
	}
}
