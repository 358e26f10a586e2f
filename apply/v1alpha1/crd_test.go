package v1alpha1_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
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

// adapterSet returns an AdapterSet named dittofs of the StatefulSet dittofs.
func adapterSet(options ...fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet("dittofs", append([]fixture.Option{fixture.Target("StatefulSet", "dittofs")}, options...)...)
}

// smallest returns an AdapterSet without optional fields.
func smallest() *unstructured.Unstructured { return adapterSet(fixture.Adapters()) }

func TestServerFillsInDefaults(t *testing.T) {
	const rollout = `"rollout":{"mode":"Immediate","removalDelaySeconds":300,"stabilizationWindowSeconds":10},`
	shared := newCluster(t)
	for name, stored := range map[string]struct {
		set  *unstructured.Unstructured
		want string
	}{
		"no adapters": {smallest(), `{"adapters":[],"containerPorts":"Manage","deletionPolicy":"Retain","hostNetwork":"Block",` + rollout + targetJSON + `}`},
		"an adapter": {
			adapterSet(fixture.Adapters("nfs:1")),
			`{"adapters":[{"port":1,"protocol":"TCP","type":"nfs"}],"containerPorts":"Manage","deletionPolicy":"Retain","hostNetwork":"Block",` + rollout + targetJSON + `}`,
		},
		"discovery": {
			adapterSet(fixture.Discovery("port: api, scheme: HTTPS")),
			`{"containerPorts":"Manage","deletionPolicy":"Retain","discovery":{"http":{"intervalSeconds":30,"path":"/api/v1/adapters","port":"api","scheme":"HTTPS",` +
				`"timeoutSeconds":10}},"hostNetwork":"Block",` + rollout + targetJSON + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := shared.in(t)
			live := c.Manager(testenv.Kubectl).In(c.namespace).MustCreate(t, stored.set)
			got, err := json.Marshal(live.Object["spec"])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const targetJSON = `"targetRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"dittofs"}`

func TestTargetRefIsImmutable(t *testing.T) {
	c := newCluster(t)
	user := c.Manager(testenv.Kubectl).In(c.namespace)
	user.MustCreate(t, smallest())
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
	types := func() (types []string) {
		for _, a := range c.liveSet().Spec.Adapters {
			types = append(types, a.Type)
		}
		return types
	}
	for _, step := range []struct {
		manager  *testenv.Manager
		adapters []string
		want     []string
	}{
		{base, []string{"nfs:1"}, []string{"nfs"}},
		{overlay, []string{"smb:2"}, []string{"nfs", "smb"}},
		{base, []string{"nfs:3"}, []string{"nfs", "smb"}},
		{base, nil, []string{"smb"}},
		{overlay, nil, nil},
	} {
		step.manager.MustApply(t, adapterSet(fixture.Adapters(step.adapters...)))
		if diff := cmp.Diff(step.want, types()); diff != "" {
			t.Errorf("after %s: %s", step.adapters, diff)
		}
	}
}

// TestSourceChangesOnTheServer changes each source of adapters to each other one, by
// client-side and by server-side apply, and compares the spec with that of a new
// AdapterSet. Server-side apply may store no list in place of an empty one, and
// leave an empty one next to discovery.
func TestSourceChangesOnTheServer(t *testing.T) {
	sources := map[string]*unstructured.Unstructured{
		"none":      smallest(),
		"one":       adapterSet(fixture.Adapters("nfs:1")),
		"discovery": adapterSet(fixture.Discovery("port: 1, scheme: HTTP")),
		"null":      adapterSet(fixture.Spec("adapters: null"), fixture.Discovery("port: 1, scheme: HTTP")),
	}
	shared := newCluster(t)
	created := map[string]v1alpha1.AdapterSetSpec{}
	for name, set := range sources {
		created[name] = shared.in(t).createdSet(set).Spec
	}
	for way, apply := range map[string]func(c *cluster, set *unstructured.Unstructured){
		"client-side": func(c *cluster, set *unstructured.Unstructured) { c.kubectl(asJSON(c.t, set), "apply", "-f", "-") },
		"server-side": func(c *cluster, set *unstructured.Unstructured) {
			c.t.Helper()
			c.Manager(testenv.Flux).In(c.namespace).MustApply(c.t, set)
		},
	} {
		for from := range sources {
			for to := range sources {
				t.Run(way+" "+from+" "+to, func(t *testing.T) {
					c := shared.in(t)
					apply(c, sources[from])
					apply(c, sources[to])
					if diff := cmp.Diff(created[to], c.liveSet().Spec, cmpopts.EquateEmpty()); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

func asJSON(t *testing.T, set *unstructured.Unstructured) string {
	t.Helper()
	text, err := set.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
