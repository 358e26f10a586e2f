package install_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv/portside"
)

// change is a new value of a field, as JSON, which the API server would store.
type change struct {
	value string
	// invalid changes are those that the API server refuses by itself. Its validation
	// precedes the policies.
	invalid bool
}

// serviceChanges has a change for each field of a Service's spec but for its ports, by the
// field's JSON name. The node ports and the address are of the parts of their ranges that
// the API server allocates last, so that the Service does not have them already.
var serviceChanges = map[string]change{
	"selector":                      {value: `{"app":"evil"}`},
	"type":                          {value: `"NodePort"`},
	"externalIPs":                   {value: `["192.0.2.1"]`},
	"sessionAffinity":               {value: `"None"`},
	"sessionAffinityConfig":         {value: `{"clientIP":{"timeoutSeconds":7}}`},
	"loadBalancerIP":                {value: `"192.0.2.1"`},
	"loadBalancerSourceRanges":      {value: `["192.0.2.0/24"]`},
	"loadBalancerClass":             {value: `"example.com/evil"`, invalid: true}, // once it is a LoadBalancer
	"externalName":                  {value: `"evil.example.com"`},
	"externalTrafficPolicy":         {value: `"Cluster"`},
	"internalTrafficPolicy":         {value: `"Local"`},
	"healthCheckNodePort":           {value: `30084`, invalid: true},
	"publishNotReadyAddresses":      {value: `true`},
	"allocateLoadBalancerNodePorts": {value: `false`},
	"clusterIP":                     {value: `"10.0.0.7"`, invalid: true},
	"clusterIPs":                    {value: `["10.0.0.7"]`, invalid: true},
	"ipFamilies":                    {value: `["IPv6"]`, invalid: true},
	"ipFamilyPolicy":                {value: `"PreferDualStack"`},
	"trafficDistribution":           {value: `"PreferClose"`},
}

// serviceMetadataChanges has a change for the fields of metadata that a client can write.
var serviceMetadataChanges = map[string]string{
	"labels":          `{"evil":"1"}`,
	"annotations":     `{"note":"evil"}`,
	"finalizers":      `["portside.dev/evil"]`,
	"ownerReferences": `[{"apiVersion":"v1","kind":"ConfigMap","name":"evil","uid":"evil"}]`,
	"managedFields":   `[{}]`,
}

// portChanges has a change for each field of a port of a Service. The node port is one that
// the API server allocates last.
var portChanges = map[string]string{
	"name": `"adapter-smb"`, "port": `445`, "protocol": `"UDP"`, "targetPort": `1445`, "nodePort": `30085`, "appProtocol": `"example.com/smb"`,
}

// fieldsOf returns the JSON names of the fields of an API type.
func fieldsOf(object any) []string {
	var names []string
	for field := range reflect.TypeOf(object).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// TestServiceChanges: each field of the API has a change, so that a field of a later
// version is tried as well.
func TestServiceChanges(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct{ has, changes []string }{
		"spec":  {slices.DeleteFunc(fieldsOf(corev1.ServiceSpec{}), func(f string) bool { return f == "ports" }), slices.Collect(maps.Keys(serviceChanges))},
		"ports": {fieldsOf(corev1.ServicePort{}), slices.Collect(maps.Keys(portChanges))},
	} {
		slices.Sort(test.has)
		slices.Sort(test.changes)
		if !slices.Equal(test.has, test.changes) {
			t.Errorf("%s: fields %q, changes of %q", what, test.has, test.changes)
		}
	}
}

// TestGuardRefusesServiceFields changes each field of a Service but adapter ports, by a
// merge patch and by a forced apply, with every permission by RBAC.
func TestGuardRefusesServiceFields(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, balanced+"sessionAffinity: ClientIP, ")
	for _, owned := range []string{"owned", "without owners"} {
		if owned != "owned" {
			i.edited(`[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
		}
		before := i.live(workload.Service).GetResourceVersion()
		refused := func(name string, invalid bool, w write) {
			t.Helper()
			err := i.tries(t.Context(), workload.Service, w)
			if invalid {
				if err == nil || strings.Contains(err.Error(), "AdmissionPolicy") {
					t.Errorf("%s: %s: not refused by the API server itself: %v", owned, name, err)
				}
				return
			}
			if err := portside.RefusedBy(err, i.guardOf(workload.Service)); err != nil {
				t.Errorf("%s: %s: %v", owned, name, err)
			}
		}
		for field, c := range serviceChanges {
			refused("spec."+field, c.invalid, merged(`{"spec":{"`+field+`":`+c.value+`}}`))
			refused("spec."+field+", by apply", c.invalid, forced(write{patch: types.ApplyPatchType,
				data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {` + field + `: ` + c.value + `}}`}))
		}
		for field, value := range serviceMetadataChanges {
			if field == "managedFields" && owned != "owned" {
				continue // they are empty already
			}
			refused("metadata."+field, false, merged(`{"metadata":{"`+field+`":`+value+`}}`))
		}
		for field, value := range portChanges {
			for n, static := range []string{"api", "web"} {
				refused("port "+static+", "+field, false, jsonPatch(fmt.Sprintf(`[{"op":"add","path":"/spec/ports/%d/%s","value":%s}]`, n, field, value)))
			}
		}
		for name, w := range forbiddenOfServices {
			refused(name, false, w)
		}
		if after := i.live(workload.Service).GetResourceVersion(); after != before {
			t.Errorf("%s: the Service changed", owned)
		}
	}
}

// forbiddenOfServices are writes to a Service with portside's token that change more than a
// value of a field. The static ports are the first two.
var forbiddenOfServices = map[string]write{
	"a static port":                   jsonPatch(`[{"op":"add","path":"/spec/ports/-","value":{"name":"evil","port":9}}]`),
	"a static port, by apply":         appliedService(`[{name: evil, port: 9, protocol: TCP}]`),
	"a static port removed":           jsonPatch(`[{"op":"remove","path":"/spec/ports/0"}]`),
	"static ports removed":            jsonPatch(`[{"op":"remove","path":"/spec/ports/1"},{"op":"remove","path":"/spec/ports/0"}]`),
	"a static port's target removed":  jsonPatch(`[{"op":"remove","path":"/spec/ports/0/targetPort"}]`),
	"a static port, by force":         forced(appliedService(`[{name: adapter-api, port: 80, protocol: TCP, targetPort: 22}]`)),
	"a static port's target by force": forced(appliedService(`[{port: 80, protocol: TCP, targetPort: 22}]`)),
	"the order of static ports":       jsonPatch(`[{"op":"move","from":"/spec/ports/1","path":"/spec/ports/0"}]`),
	"an adapter port made static":     jsonPatch(`[{"op":"replace","path":"/spec/ports/2/name","value":"evil"}]`),
	"the selector, with a port":       forced(write{patch: types.ApplyPatchType, data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {selector: {evil: x}, ports: [{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]}}`}),
	"a label, with a port":            {patch: types.ApplyPatchType, data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs, labels: {evil: x}}, spec: {ports: [{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]}}`},
	"a port, under another name":      {patch: types.JSONPatchType, manager: "other", data: `[{"op":"remove","path":"/spec/ports/2"}]`},
	"ports replaced by $patch":        {patch: types.StrategicMergePatchType, data: `{"spec":{"ports":[{"$patch":"replace"},{"name":"adapter-x","port":9}]}}`},
}

// TestGuardAllowsServicePorts changes each field of an adapter port in each type of
// Service, and nothing else of the Service changes.
func TestGuardAllowsServicePorts(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]string{"ClusterIP": "", "NodePort": nodePorts, "LoadBalancer": balanced, "headless": headless, "ExternalName": externalName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := robbedOfServices(t, spec)
			var before corev1.Service
			i.read(&before)
			for field, value := range portChanges {
				if field == "nodePort" && spec != nodePorts && spec != balanced {
					continue
				}
				port := map[string]json.RawMessage{"name": []byte(`"adapter-nfs"`), "port": []byte("2049"), "protocol": []byte(`"TCP"`), "targetPort": []byte("12049")}
				port[field] = json.RawMessage(value)
				if field == "nodePort" { // one that no Service of another test has
					port[field] = json.RawMessage(fmt.Sprint(i.freeNodePort()))
				}
				text, err := json.Marshal([]any{port})
				if err != nil {
					t.Fatal(err)
				}
				for what, w := range map[string]write{
					field:                appliedService(string(text)),
					"as before " + field: appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]`),
				} {
					if err := i.tries(t.Context(), workload.Service, w); err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
			}
			for what, w := range map[string]write{
				"no port":            {patch: types.ApplyPatchType, data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs}}`},
				"no target":          appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP}]`),
				"three protocols":    appliedService(`[{name: adapter-a, port: 9, protocol: TCP}, {name: adapter-b, port: 9, protocol: UDP}, {name: adapter-c, port: 9, protocol: SCTP}]`),
				"a target by name":   appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: adapter-nfs}]`),
				"ours before others": appliedService(`[{name: adapter-smb, port: 445, protocol: TCP}, {name: adapter-nfs, port: 2049, protocol: TCP}]`),
			} {
				if err := i.tries(t.Context(), workload.Service, w); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			i.expose()
			var after corev1.Service
			i.read(&after)
			if static := before.Spec.Ports[:2]; !equality.Semantic.DeepEqual(after.Spec.Ports, static) {
				t.Errorf("static ports %v, before %v", after.Spec.Ports, static)
			}
			before.Spec.Ports, after.Spec.Ports = nil, nil
			if !equality.Semantic.DeepEqual(after.Spec, before.Spec) || !equality.Semantic.DeepEqual(after.Status, before.Status) {
				t.Errorf("the Service was %+v and is %+v", before, after)
			}
		})
	}
}

// read reads the Service.
func (i *installation) read(s *corev1.Service) {
	i.t.Helper()
	live, err := i.admin.CoreV1().Services(i.workloads).Get(i.t.Context(), dittofs, metav1.GetOptions{})
	if err != nil {
		i.t.Fatal(err)
	}
	*s = *live
}

// freeNodePort returns a node port that the server has just allocated and freed.
func (i *installation) freeNodePort() int32 {
	i.t.Helper()
	services := i.admin.CoreV1().Services(i.workloads)
	probe, err := services.Create(i.t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 1}}}}, metav1.CreateOptions{})
	if err != nil {
		i.t.Fatal(err)
	}
	if err := services.Delete(i.t.Context(), probe.Name, metav1.DeleteOptions{}); err != nil {
		i.t.Fatal(err)
	}
	return probe.Spec.Ports[0].NodePort
}
