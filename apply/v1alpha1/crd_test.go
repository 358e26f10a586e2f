package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

func TestInstallingTwiceChangesNothing(t *testing.T) {
	c := newCluster(t)
	version := func() string { return c.kubectl("", "get", crdName, "-o", "jsonpath={.metadata.resourceVersion}") }
	before := version()
	if got, want := c.kubectlApply(crdFile), crdName+" unchanged\n"; got != want {
		t.Errorf("kubectl says %q, not %q", got, want)
	}
	if after := version(); after != before {
		t.Errorf("the resourceVersion went from %s to %s", before, after)
	}
}

// smallest is an AdapterSet with nothing in it that could be left out.
func smallest() string { return withSpec("adapters: []") }

func TestServerFillsInDefaults(t *testing.T) {
	const rollout = `"rollout":{"removalDelaySeconds":300,"stabilizationWindowSeconds":10},`
	c := newCluster(t)
	for name, want := range map[string]string{
		smallest(): `{"adapters":[],"deletionPolicy":"Retain","hostNetwork":"Block",` + rollout + targetJSON + `}`,
		withAdapter("type: nfs, port: 1"): `{"adapters":[{"port":1,"protocol":"TCP","type":"nfs"}],"deletionPolicy":"Retain","hostNetwork":"Block",` +
			rollout + targetJSON + `}`,
		withHTTP("port: api, scheme: HTTPS"): `{"deletionPolicy":"Retain","discovery":{"http":{"intervalSeconds":30,` +
			`"path":"/api/v1/adapters","port":"api","scheme":"HTTPS","timeoutSeconds":10}},"hostNetwork":"Block",` + rollout + targetJSON + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			stored, err := c.create(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, specOf(t, stored)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const targetJSON = `"targetRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"dittofs"}`

func specOf(t *testing.T, object []byte) string {
	t.Helper()
	var set struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(object, &set); err != nil {
		t.Fatal(err)
	}
	return string(set.Spec)
}

// TestServerRefuses has a case for each rule of the CRD, with what tells people
// which rule it was. That the rules refuse no more than the file reader does is
// TestReaderAndServerAgree's.
func TestServerRefuses(t *testing.T) {
	const http = "spec.discovery.http."
	long := strings.Repeat("a", 254)
	c := newCluster(t)
	for name, refused := range map[string]refusal{
		"both":        {withSpec("adapters: [{type: nfs, port: 1}], discovery: {http: {port: 1, scheme: HTTP}}"), "spec: Invalid value: adapters and discovery exclude each other"},
		"65 adapters": {manyAdapters(65), "spec.adapters: Too many: 65: must have at most 64 items"},
		"one type twice": {
			withSpec("adapters: [{type: nfs, port: 1}, {type: smb, port: 2}, {type: nfs, port: 3}]"),
			`spec.adapters[2]: Duplicate value`,
		},
		"a type too long":             {withAdapter("port: 1, type: " + strings.Repeat("a", 64)), "spec.adapters[0].type: Too long: may not be more than 63 bytes"},
		"a type in unicode":           {withAdapter("port: 1, type: ñfs"), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a line end":      {withAdapter(`port: 1, type: "nfs\n"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with DEL":             {withAdapter(`port: 1, type: "\x7f"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a C1 control":    {withAdapter(`port: 1, type: "a\x9b"`), "spec.adapters[0].type in body should match '^[ -"},
		"a type with a backslash":     {withAdapter(`port: 1, type: 'a\b'`), "spec.adapters[0].type in body should match '^[ -"},
		"port 0 of an adapter":        {withAdapter("type: nfs, port: 0"), "spec.adapters[0].port in body should be greater than or equal to 1"},
		"port 65536 of an adapter":    {withAdapter("type: nfs, port: 65536"), "spec.adapters[0].port in body should be less than or equal to 65535"},
		"a protocol in lower case":    {withAdapter("type: nfs, port: 1, protocol: udp"), `spec.adapters[0].protocol: Unsupported value: "udp": supported values: "TCP", "UDP", "SCTP"`},
		"a type without a letter":     {withAdapter(`type: "--", port: 1`), "spec.adapters[0].type in body should match"},
		"an empty type":               {withAdapter(`type: "", port: 1`), "spec.adapters[0].type in body should match"},
		"no type":                     {withSpec("adapters: [{port: 1}]"), "spec.adapters[0].type: Required value"},
		"no port":                     {withAdapter("type: nfs"), "spec.adapters[0].port: Required value"},
		"no spec":                     {named, "spec: Required value"},
		"no target":                   {named + "spec: {adapters: []}", "spec.targetRef: Required value"},
		"a target's version":          {withTarget("apiVersion: apps/v2, kind: StatefulSet, name: a"), `spec.targetRef.apiVersion: Unsupported value: "apps/v2": supported values: "apps/v1"`},
		"a target's kind":             {withTarget("apiVersion: apps/v1, kind: Job, name: a"), `spec.targetRef.kind: Unsupported value: "Job": supported values: "StatefulSet", "Deployment", "DaemonSet"`},
		"a target's name":             {withTarget("apiVersion: apps/v1, kind: StatefulSet, name: A"), "spec.targetRef.name in body should match"},
		"a target's long name":        {withTarget("apiVersion: apps/v1, kind: StatefulSet, name: " + long), "spec.targetRef.name: Too long: may not be more than 253 bytes"},
		"no target's version":         {withTarget("kind: StatefulSet, name: a"), "spec.targetRef.apiVersion: Required value"},
		"no target's kind":            {withTarget("apiVersion: apps/v1, name: a"), "spec.targetRef.kind: Required value"},
		"no target's name":            {withTarget("apiVersion: apps/v1, kind: StatefulSet"), "spec.targetRef.name: Required value"},
		"a container":                 {withSpec("adapters: [], container: a.b"), "spec.container in body should match"},
		"a long container":            {withSpec("adapters: [], container: " + long), "spec.container: Too long: may not be more than 63 bytes"},
		"no http":                     {withSpec("discovery: {}"), "spec.discovery.http: Required value"},
		"no http port":                {withHTTP("scheme: HTTP"), http + "port: Required value"},
		"port 0":                      {withHTTP("scheme: HTTP, port: 0"), http + "port: Invalid value: 0: port must be a port's name or a number from 1 to 65535"},
		"port 65536":                  {withHTTP("scheme: HTTP, port: 65536"), http + "port: Invalid value: 65536: port must be"},
		"a port's name in upper case": {withHTTP("scheme: HTTP, port: API"), http + `port: Invalid value: "API": port must be`},
		"a port's name in digits":     {withHTTP(`scheme: HTTP, port: "80"`), http + `port: Invalid value: "80": port must be`},
		"a port's name with --":       {withHTTP("scheme: HTTP, port: a--b"), http + `port: Invalid value: "a--b": port must be`},
		"a port's name of 16":         {withHTTP("scheme: HTTP, port: a234567890123456"), http + `port: Invalid value: "a234567890123456": port must be`},
		"no scheme":                   {withHTTP("port: 1"), http + "scheme: Required value"},
		"a scheme":                    {withHTTP("port: 1, scheme: http"), http + `scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"`},
		"a server name":               {withHTTP("port: 1, scheme: HTTPS, serverName: A"), http + "serverName in body should match"},
		"a long server name":          {withHTTP("port: 1, scheme: HTTPS, serverName: " + long), http + "serverName: Too long: may not be more than 253 bytes"},
		"a path":                      {withHTTP("port: 1, scheme: HTTP, path: api"), http + "path in body should match '^/'"},
		"a long path":                 {withHTTP("port: 1, scheme: HTTP, path: /" + strings.Repeat("a", 1024)), http + "path: Too long: may not be more than 1024 bytes"},
		"too often":                   {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 1, intervalSeconds: 4"), http + "intervalSeconds in body should be greater than or equal to 5"},
		"too seldom":                  {withHTTP("port: 1, scheme: HTTP, intervalSeconds: 3601"), http + "intervalSeconds in body should be less than or equal to 3600"},
		"too patient":                 {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 61, intervalSeconds: 100"), http + "timeoutSeconds in body should be less than or equal to 60"},
		"no time":                     {withHTTP("port: 1, scheme: HTTP, timeoutSeconds: 0"), http + "timeoutSeconds in body should be greater than or equal to 1"},
		"as long as the interval":     {withHTTP("port: 1, scheme: HTTP, intervalSeconds: 10"), "spec.discovery.http: Invalid value: timeoutSeconds must be less than intervalSeconds"},
		"a secret's name":             {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: A}"), http + "credentialsRef.name in body should match"},
		"a secret's long name":        {withHTTP("port: 1, scheme: HTTP, credentialsRef: {name: " + long + "}"), http + "credentialsRef.name: Too long: may not be more than 253 bytes"},
		"no secret's name":            {withHTTP("port: 1, scheme: HTTP, credentialsRef: {}"), http + "credentialsRef.name: Required value"},
		"stabilizationWindowSeconds":  {withSpec("adapters: [], rollout: {stabilizationWindowSeconds: -1}"), "spec.rollout.stabilizationWindowSeconds in body should be greater than or equal to 0"},
		"removalDelaySeconds":         {withSpec("adapters: [], rollout: {removalDelaySeconds: -1}"), "spec.rollout.removalDelaySeconds in body should be greater than or equal to 0"},
		"hostNetwork":                 {withSpec("adapters: [], hostNetwork: Ask"), `spec.hostNetwork: Unsupported value: "Ask": supported values: "Block", "Allow"`},
		"deletionPolicy":              {withSpec("adapters: [], deletionPolicy: Orphan"), `spec.deletionPolicy: Unsupported value: "Orphan": supported values: "Retain", "Remove"`},
	} {
		t.Run(name, func(t *testing.T) {
			if stored, err := c.create(refused.input); err == nil || !strings.Contains(err.Error(), refused.want) {
				t.Errorf("got %v, not %q\n%s", err, refused.want, stored)
			}
		})
	}
}

func withTarget(fields string) string {
	return named + "spec: {targetRef: {" + fields + "}, adapters: []}\n"
}

func TestTargetRefIsImmutable(t *testing.T) {
	c := newCluster(t)
	user := c.Manager(testenv.Kubectl).In(c.namespace)
	if _, err := user.Create(t.Context(), smallest()); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"kind", "name"} {
		_, err := user.Update(t.Context(), v1alpha1.Kind, "", "dittofs", func(set *unstructured.Unstructured) {
			value := map[string]string{"kind": "Deployment", "name": "other"}[field]
			if err := unstructured.SetNestedField(set.Object, value, "spec", "targetRef", field); err != nil {
				t.Fatal(err)
			}
		})
		const want = "spec.targetRef: Invalid value: targetRef is immutable: delete this AdapterSet and create another"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("another %s: %v", field, err)
		}
	}
}

// TestManagersShareAdapters has two managers apply an adapter each, as a base and
// an overlay do.
func TestManagersShareAdapters(t *testing.T) {
	c := newCluster(t)
	base, overlay := c.Manager(testenv.Flux).In(c.namespace), c.Manager(testenv.ArgoCD).In(c.namespace)
	const overlaid = head + "metadata: {name: dittofs}\nspec: {" + target + ", adapters: [%s]}\n"
	types := func() (types []string) {
		for _, a := range c.liveSet().Spec.Adapters {
			types = append(types, a.Type)
		}
		return types
	}
	for _, step := range []struct {
		manager  *testenv.Manager
		adapters string
		want     []string
	}{
		{base, "{type: nfs, port: 1}", []string{"nfs"}},
		{overlay, "{type: smb, port: 2}", []string{"nfs", "smb"}},
		{base, "{type: nfs, port: 3}", []string{"nfs", "smb"}},
		{base, "", []string{"smb"}},
		{overlay, "", nil},
	} {
		if _, err := step.manager.Apply(t.Context(), fmt.Sprintf(overlaid, step.adapters)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, types()); diff != "" {
			t.Errorf("after [%s]: %s", step.adapters, diff)
		}
	}
}

// TestSourceChangesOnTheServer goes from each source of adapters to each other,
// by client-side and by server-side apply. Server-side apply may store no list
// in place of an empty one, and leave an empty one beside discovery.
func TestSourceChangesOnTheServer(t *testing.T) {
	sources := map[string]string{
		"none":      smallest(),
		"one":       withAdapter("type: nfs, port: 1"),
		"discovery": withHTTP("port: 1, scheme: HTTP"),
		"null":      withSpec("adapters: null, discovery: {http: {port: 1, scheme: HTTP}}"),
	}
	shared := newCluster(t)
	for way, apply := range map[string]func(c *cluster, document string){
		"client-side": func(c *cluster, document string) { c.kubectl(document, "apply", "-f", "-") },
		"server-side": func(c *cluster, document string) {
			c.t.Helper()
			if _, err := c.Manager(testenv.Flux).In(c.namespace).Apply(c.t.Context(), document); err != nil {
				c.t.Fatal(err)
			}
		},
	} {
		for from := range sources {
			for to := range sources {
				t.Run(way+" "+from+" "+to, func(t *testing.T) {
					c := shared.in(t)
					apply(c, sources[from])
					apply(c, sources[to])
					want := mustRead(t, sources[to])[0].Set.Spec
					if diff := cmp.Diff(want, c.liveSet().Spec, cmpopts.EquateEmpty()); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}
