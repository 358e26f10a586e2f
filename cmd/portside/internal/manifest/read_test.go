package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

const (
	head   = "apiVersion: portside.dev/v1alpha1\nkind: AdapterSet\n"
	named  = head + "metadata: {name: dittofs}\n"
	target = "targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}"
)

// withSpec returns a document whose spec has the target and these fields, in YAML's
// flow style.
func withSpec(fields string) string {
	return named + "spec: {" + target + ", " + fields + "}\n"
}

// withAdapter returns a document of one adapter with these fields.
func withAdapter(fields string) string { return withSpec("adapters: [{" + fields + "}]") }

// withHTTP returns a document with these fields of HTTP discovery.
func withHTTP(fields string) string { return withSpec("discovery: {http: {" + fields + "}}") }

// asJSON returns a document in JSON with one adapter whose port is written so.
func asJSON(port string) string {
	return `{"apiVersion":"portside.dev/v1alpha1","kind":"AdapterSet","metadata":{"name":"dittofs"},` +
		`"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"dittofs"},` +
		`"adapters":[{"type":"nfs","port":` + port + `}]}}`
}

func manyAdapters(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf("{type: t%d, port: %d}", i, 1000+i)
	}
	return withSpec("adapters: [" + strings.Join(items, ", ") + "]")
}

func mustRead(t *testing.T, input string) []manifest.Document {
	t.Helper()
	docs, err := manifest.Read("sets.yaml", strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// acceptance is an input and the set that it is read as.
type acceptance struct {
	input string
	want  v1alpha1.AdapterSet
}

func accepted() map[string]acceptance {
	set := func(change func(*v1alpha1.AdapterSetSpec)) v1alpha1.AdapterSet {
		s := v1alpha1.AdapterSet{
			TypeMeta:   metav1.TypeMeta{APIVersion: "portside.dev/v1alpha1", Kind: "AdapterSet"},
			ObjectMeta: metav1.ObjectMeta{Name: "dittofs"},
			Spec: v1alpha1.AdapterSetSpec{
				TargetRef:      v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "dittofs"},
				ContainerPorts: "Manage",
				Rollout: v1alpha1.Rollout{
					Mode:                       "Immediate",
					StabilizationWindowSeconds: ptr.To[int32](10), RemovalDelaySeconds: ptr.To[int32](300),
				},
				HostNetwork:    "Block",
				DeletionPolicy: "Retain",
			},
		}
		change(&s.Spec)
		return s
	}
	return map[string]acceptance{
		"neither adapters nor discovery": {named + "spec: {" + target + "}", set(func(*v1alpha1.AdapterSetSpec) {})},
		"null for adapters":              {withSpec("adapters: null"), set(func(*v1alpha1.AdapterSetSpec) {})},
		"null for adapters and discovery": {withSpec("adapters: null, discovery: {http: {port: api, scheme: HTTPS}}"), set(func(s *v1alpha1.AdapterSetSpec) {
			s.Discovery = &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{
				Port: intstr.FromString("api"), Scheme: "HTTPS", Path: "/api/v1/adapters",
				IntervalSeconds: ptr.To[int32](30), TimeoutSeconds: ptr.To[int32](10),
			}}
		})},
		"a list of adapters": {withAdapter("type: nfs, port: 12049"), set(func(s *v1alpha1.AdapterSetSpec) {
			s.Adapters = []v1alpha1.Adapter{{Type: "nfs", Port: 12049, Protocol: "TCP"}}
		})},
		"no adapters at all": {withSpec("adapters: []"), set(func(s *v1alpha1.AdapterSetSpec) {
			s.Adapters = []v1alpha1.Adapter{}
		})},
		"discovery": {withHTTP("port: api, scheme: HTTPS"), set(func(s *v1alpha1.AdapterSetSpec) {
			s.Discovery = &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{
				Port: intstr.FromString("api"), Scheme: "HTTPS", Path: "/api/v1/adapters",
				IntervalSeconds: ptr.To[int32](30), TimeoutSeconds: ptr.To[int32](10),
			}}
		})},
		"discovery at its slowest": {withHTTP("port: api, scheme: HTTPS, intervalSeconds: 3600, timeoutSeconds: 60"), set(func(s *v1alpha1.AdapterSetSpec) {
			s.Discovery = &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{
				Port: intstr.FromString("api"), Scheme: "HTTPS", Path: "/api/v1/adapters",
				IntervalSeconds: ptr.To[int32](3600), TimeoutSeconds: ptr.To[int32](60),
			}}
		})},
		"discovery on a number, with all fields": {
			withHTTP(`port: 8080, scheme: HTTP, serverName: dittofs.storage.svc, path: "/a?b=c", intervalSeconds: 5,
			  timeoutSeconds: 4, credentialsRef: {name: token}, loginPath: /login, expression: self.adapters`),
			set(func(s *v1alpha1.AdapterSetSpec) {
				s.Discovery = &v1alpha1.Discovery{HTTP: &v1alpha1.HTTPDiscovery{
					Port: intstr.FromInt32(8080), Scheme: "HTTP", ServerName: "dittofs.storage.svc", Path: "/a?b=c",
					IntervalSeconds: ptr.To[int32](5), TimeoutSeconds: ptr.To[int32](4),
					CredentialsRef: &v1alpha1.CredentialsRef{Name: "token"}, LoginPath: "/login", Expression: "self.adapters",
				}}
			}),
		},
		"companions": {
			withSpec("adapters: [{type: nfs, port: 1}], companions: [{name: a, adapter: nfs}, {name: b, adapters: [nfs], protocol: UDP}, {name: c, adapters: [nfs, smb], port: 2}]"),
			set(func(s *v1alpha1.AdapterSetSpec) {
				s.Adapters = []v1alpha1.Adapter{{Type: "nfs", Port: 1, Protocol: "TCP"}}
				s.Companions = []v1alpha1.Companion{
					{Name: "a", Adapter: "nfs", Protocol: "TCP"}, {Name: "b", Adapters: []string{"nfs"}, Protocol: "UDP"},
					{Name: "c", Adapters: []string{"nfs", "smb"}, Port: 2, Protocol: "TCP"},
				}
			}),
		},
		"a zero is not a default": {
			withSpec("adapters: [], rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}, hostNetwork: Allow, deletionPolicy: Remove, suspend: true, container: main"),
			set(func(s *v1alpha1.AdapterSetSpec) {
				s.Adapters = []v1alpha1.Adapter{}
				s.Rollout.StabilizationWindowSeconds, s.Rollout.RemovalDelaySeconds = ptr.To[int32](0), ptr.To[int32](0)
				s.HostNetwork, s.DeletionPolicy, s.Suspend, s.Container = "Allow", "Remove", true, "main"
			}),
		},
	}
}

func TestReadFillsInDefaults(t *testing.T) {
	for name, c := range accepted() {
		t.Run(name, func(t *testing.T) {
			docs := mustRead(t, c.input)
			want := []manifest.Document{{Set: c.want, Source: "sets.yaml", Number: 1}}
			if diff := cmp.Diff(want, docs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// oddAdapters returns adapters at the limits of what is accepted.
func oddAdapters() map[string]v1alpha1.Adapter {
	return map[string]v1alpha1.Adapter{
		"port 1":           {Type: "nfs", Port: 1, Protocol: "SCTP"},
		"port 65535":       {Type: "nfs", Port: 65535, Protocol: "UDP"},
		"a type in signs":  {Type: "[n.f/s] ", Port: 1, Protocol: "TCP"},
		"a type of 63":     {Type: strings.Repeat("x", 63), Port: 1, Protocol: "TCP"},
		"a type in digits": {Type: "9", Port: 1, Protocol: "TCP"},
	}
}

// asYAML returns a document with this adapter.
func asYAML(a v1alpha1.Adapter) string {
	return withAdapter(fmt.Sprintf("type: %q, port: %d, protocol: %s", a.Type, a.Port, a.Protocol))
}

func TestReadOddAdapters(t *testing.T) {
	for name, want := range oddAdapters() {
		t.Run(name, func(t *testing.T) {
			docs := mustRead(t, asYAML(want))
			if diff := cmp.Diff([]v1alpha1.Adapter{want}, docs[0].Set.Spec.Adapters); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := len(mustRead(t, manyAdapters(64))[0].Set.Spec.Adapters); got != 64 {
		t.Errorf("read %d of 64 adapters", got)
	}
}

func TestReadCountsDocuments(t *testing.T) {
	one := withSpec("adapters: []")
	for name, c := range map[string]struct {
		input string
		want  []int
	}{
		"one":                             {one, []int{1}},
		"one after a separator":           {"# comment\n---\n" + one, []int{1}},
		"two":                             {one + "---\n" + one, []int{1, 2}},
		"an empty one between":            {one + "---\n---\n" + one, []int{1, 3}},
		"a comment between":               {one + "---\n# nothing\n---\n" + one, []int{1, 3}},
		"an end marker":                   {one + "...\n---\n" + one + "...\n", []int{1, 2}},
		"a separator at the end":          {one + "---\n", []int{1}},
		"JSON":                            {asJSON("1"), []int{1}},
		"JSON after JSON":                 {asJSON("1") + "\n" + asJSON("1") + asJSON("1"), []int{1, 2, 3}},
		"JSON with separators":            {asJSON("1") + "\n---\n" + asJSON("1") + "\n---\n", []int{1, 2}},
		"YAML after JSON":                 {asJSON("1") + "\n---\n" + one, []int{1, 2}},
		"JSON after YAML":                 {one + "---\n" + asJSON("1"), []int{1, 2}},
		"flow style":                      {"{" + strings.ReplaceAll(strings.TrimSpace(one), "\n", ", ") + "}", []int{1}},
		"a byte order mark and line ends": {"\ufeff" + strings.ReplaceAll(one, "\n", "\r\n"), []int{1}},
		"a byte order mark before JSON":   {"\ufeff" + asJSON("1") + asJSON("1"), []int{1, 2}},
		"an anchor": {
			named + "spec: {" + target + ", adapters: [{type: &t nfs, port: 1}], container: *t}\n", []int{1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := []int{}
			for _, doc := range mustRead(t, c.input) {
				got = append(got, doc.Number)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReadPrinted reads what kubectl get -o yaml prints, whatever its status has.
func TestReadPrinted(t *testing.T) {
	docs := mustRead(t, head+`metadata:
  name: dittofs
  namespace: storage
  creationTimestamp: "2006-01-02T15:04:05Z"
  deletionTimestamp: null
  generation: 3
  labels: {a: b}
  managedFields:
  - {apiVersion: portside.dev/v1alpha1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:x": {}}}, manager: kubectl, operation: Update}
  resourceVersion: "42"
  uid: 6b9
spec: {`+target+`, adapters: []}
status:
  conditions: [{type: Ready, lastTransitionTime: null}]
  unheardOf: 1.5
`)
	set := docs[0].Set
	if set.Namespace != "storage" || set.ResourceVersion != "42" || set.Labels["a"] != "b" {
		t.Errorf("metadata was read as %+v", set.ObjectMeta)
	}
	if diff := cmp.Diff(v1alpha1.AdapterSetStatus{}, set.Status); diff != "" {
		t.Error(diff)
	}
}
