package check_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/cmd/portside/internal/check"
	"github.com/portside-dev/portside/testenv"
)

// TestAdapterSets expects the finding of each status.
func TestAdapterSets(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.workload("files")
	s.adapterSet("files", "files")
	stalled := condition("Stalled", "True", "Conflicting", "port adapter-nfs is Blocked")
	for _, test := range []struct{ name, status, want string }{
		{"ready", ready, ""},
		{"not ready", `{"observedGeneration":1,"conditions":[` + condition("Ready", "False", "Stabilizing", "in 10s") + `]}`,
			"Warning AdapterSets AdapterSet |/files: not Ready (Stabilizing): in 10s; if this lasts, run: kubectl describe adapterset NAME -n NAMESPACE"},
		{"unknown", `{"observedGeneration":1,"conditions":[` + condition("Ready", "Unknown", "AwaitingAnswer", "no answer yet") + `]}`,
			"Warning AdapterSets AdapterSet |/files: not Ready (AwaitingAnswer): no answer yet; "},
		{"stalled", `{"observedGeneration":1,"conditions":[` + condition("Ready", "False", "Conflicting", "") + `,` + stalled + `]}`,
			"Error AdapterSets AdapterSet |/files: Stalled (Conflicting): port adapter-nfs is Blocked; for details run: kubectl describe adapterset NAME -n NAMESPACE"},
		{"ready and stalled", `{"observedGeneration":1,"conditions":[` + condition("Ready", "True", "InPlace", "") + `,` + stalled + `]}`,
			"Error AdapterSets |: Stalled (Conflicting)"},
		{"another generation", `{"observedGeneration":7}`, "Warning AdapterSets AdapterSet |/files: not reconciled yet; if this lasts, see the Replicas and Lease checks"},
		{"never reconciled", `null`, "Warning AdapterSets |: not reconciled yet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			s.status("files", test.status)
			if test.want == "" {
				s.expect()
			} else {
				s.expect(test.want)
			}
		})
	}
}

// TestGroups expects one finding for many objects with the same problem.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := installed(t)
	for i := range 5 {
		s.adapterSet(fmt.Sprintf("set-%d", i), "nowhere")
		name := fmt.Sprintf("left-%d", i)
		s.workload(name)
		s.entry(name)
	}
	in := s.options.WatchNamespace
	s.expect(
		fmt.Sprintf("Warning AdapterSets AdapterSet %[1]s/set-0 for StatefulSet nowhere, %[1]s/set-1 for StatefulSet nowhere, %[1]s/set-2 for StatefulSet nowhere and 2 more: the target", in),
		fmt.Sprintf("Warning Workloads StatefulSet %[1]s/left-0, %[1]s/left-1, %[1]s/left-2 and 2 more: ports of field manager", in),
	)
	for _, f := range s.check(s.Config()) {
		if f.State == check.Warning && len(f.Objects) != 5 {
			t.Errorf("%s: the JSON has the objects %q", f.Check, f.Objects)
		}
	}
}

// TestTargets expects findings for an AdapterSet without a workload and for a workload
// with ports and without an AdapterSet.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.adapterSet("lonely", "nowhere")
	s.workload("left")
	s.entry("left")
	s.workload("another")
	// An Update under the same name is no server-side apply of portside's.
	s.workload("updated")
	_, err := s.Manager(s.options.FieldManager).Update(t.Context(), "StatefulSet", s.options.WatchNamespace, "updated", func(o *unstructured.Unstructured) {
		o.SetLabels(map[string]string{"a": "b"})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.expect("Warning AdapterSets AdapterSet |/lonely for StatefulSet nowhere: the target does not exist",
		"Warning Workloads StatefulSet |/left: ports of field manager |run: portside release KIND/NAME -n NAMESPACE --keep-ports --field-manager "+s.options.FieldManager)
}

// TestPages reads AdapterSets and workloads page by page.
func TestPages(t *testing.T) {
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
	for _, part := range []string{"2 AdapterSets: all are Ready", "2 workloads with ports of field manager"} {
		if !strings.Contains(all, part) {
			t.Errorf("no %q in %s", part, all)
		}
	}
}

// TestAllNamespaces checks the AdapterSets, the workloads and portside's permissions
// of every namespace.
func TestAllNamespaces(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	s.install()
	one, other := *s, *s
	one.options.WatchNamespace, other.options.WatchNamespace = s.Namespace(t), s.Namespace(t)
	for _, in := range []*site{&one, &other} {
		in.workload("files")
		in.adapterSet("files", "files")
		in.entry("files")
	}
	s.expect()
	other.owner().MustDelete(t, "StatefulSet", "", "files")
	s.kubectl("", "create", "rolebinding", "more", "-n", other.options.WatchNamespace, "--clusterrole=system:aggregate-to-view", "--serviceaccount=portside-system:portside")
	testenv.Eventually(t, "the findings of one namespace", func(context.Context) error {
		var wrong []string
		for _, f := range s.check(s.Config()) {
			if f.State != check.OK {
				wrong = append(wrong, f.Text())
			}
		}
		if len(wrong) != 2 || !strings.Contains(wrong[0], "in namespace "+other.options.WatchNamespace+" it may do more") || !strings.Contains(wrong[1], other.options.WatchNamespace+"/files for StatefulSet files: the target does not exist") {
			return fmt.Errorf("%q", wrong)
		}
		return nil
	})
}
