package check_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/testenv"
)

// TestPermissions: one too few, and some too many.
func TestPermissions(t *testing.T) {
	t.Parallel()
	t.Run("too few", func(t *testing.T) {
		t.Parallel()
		s := installed(t)
		s.kubectl("", "patch", "role", "-n", s.options.WatchNamespace, s.options.FieldManager, "--type=json", "-p", `[
		  {"op":"replace","path":"/rules/0/verbs","value":["get","list","watch"]},
		  {"op":"test","path":"/rules/4/resources","value":["adaptersets/status"]}, {"op":"remove","path":"/rules/4"}]`)
		s.awaitPermission("patch", "daemonsets", false)
		s.expect("Wrong ServiceAccount |it may not patch adaptersets/status.portside.dev", "Wrong ServiceAccount |it may not patch daemonsets.apps", "Wrong |patch deployments.apps", "Wrong |patch statefulsets.apps")
	})
	for name, test := range map[string]struct{ rule, want string }{
		"too many":            {`{apiGroups: [apps], resources: [statefulsets/scale, statefulsets], verbs: [update]}`, "Wrong |more than it needs|update statefulsets.apps,|update statefulsets/scale.apps"},
		"everything":          {`{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`, "Wrong |: * *.*"},
		"all secrets":         {`{apiGroups: [""], resources: [secrets], verbs: [list, update]}`, "Wrong |list secrets"},
		"too many, no matter": {`{apiGroups: [example.com], resources: [things], verbs: [list, update]}`, "Warning |things.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := installed(t)
			s.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: more, namespace: `+s.options.WatchNamespace+`}, rules: [`+test.rule+`,
			  {apiGroups: [apps], resources: [statefulsets], verbs: [update], resourceNames: [probe]}]}`, "apply", "-f", "-")
			s.kubectl("", "create", "rolebinding", "more", "-n", s.options.WatchNamespace, "--role=more", "--serviceaccount="+s.options.Namespace+":"+s.options.FieldManager)
			testenv.Eventually(t, "the role to count", func(context.Context) error {
				for _, f := range s.check(s.Config()) {
					if strings.Contains(f.Message, "/probe") {
						return nil
					}
				}
				return fmt.Errorf("it does not")
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

// TestTargets: an AdapterSet without a workload, and a workload without one.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.adapterSet("lonely", "nowhere")
	s.workload("left")
	s.entry("left")
	s.workload("another")
	// Something else of that name is not our server-side apply.
	s.workload("updated")
	s.must(s.Manager(s.options.FieldManager).Update(t.Context(), "StatefulSet", s.options.WatchNamespace, "updated", func(o *unstructured.Unstructured) {
		o.SetLabels(map[string]string{"a": "b"})
	}))
	s.expect("Warning AdapterSet |/lonely|its target, StatefulSet |/nowhere, is not there", "Warning StatefulSet |/left|portside release")
}

// TestManyTargets are looked at page by page.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	s := installed(t)
	for _, name := range []string{"files", "more"} {
		s.workload(name)
		s.adapterSet(name, name)
		s.entry(name)
	}
	proxy := s.Proxy(t, s.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		if query := r.URL.Query(); query.Has("limit") {
			query.Set("limit", "1")
			r.URL.RawQuery = query.Encode()
		}
	}})
	all := fmt.Sprint(s.check(proxy.Config()))
	for _, part := range []string{"2, each with its workload", "2 with an entry of the field manager"} {
		if !strings.Contains(all, part) {
			t.Errorf("no %q in %s", part, all)
		}
	}
}

// TestEverywhere: the AdapterSets of every namespace have their workloads there,
// and so do the permissions of portside, granted for all of them or for one.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	s.apply(func(*unstructured.Unstructured) bool { return true })
	s.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	s.awaitPermission("patch", "statefulsets", true)
	one, other := *s, *s
	one.options.WatchNamespace, other.options.WatchNamespace = s.Namespace(t), s.Namespace(t)
	for _, in := range []*site{&one, &other} {
		in.workload("files")
		in.adapterSet("files", "files")
		in.entry("files")
	}
	s.expect()
	other.must(nil, other.Manager(testenv.ArgoCD).Delete(t.Context(), "StatefulSet", other.options.WatchNamespace, "files"))
	s.kubectl("", "create", "rolebinding", "more", "-n", other.options.WatchNamespace, "--clusterrole=system:aggregate-to-view", "--serviceaccount=portside-system:portside")
	testenv.Eventually(t, "what is wrong in one namespace", func(context.Context) error {
		var wrong []string
		for _, f := range s.check(s.Config()) {
			if f.State != check.OK {
				wrong = append(wrong, f.Message)
			}
		}
		if len(wrong) != 2 || !strings.Contains(wrong[0], "in namespace "+other.options.WatchNamespace+" it may do more") || !strings.Contains(wrong[1], other.options.WatchNamespace+"/files, is not there") {
			return fmt.Errorf("%q", wrong)
		}
		return nil
	})
}
