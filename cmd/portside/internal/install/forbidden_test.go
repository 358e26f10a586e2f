package install_test

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// write is a request that changes, or would change, a workload.
type write struct {
	patch types.PatchType
	// data of the request, with the variables of expand.
	data        string
	subresource string
	// manager is portside's by default.
	manager string
	force   bool
	// not is the kind that does not have the changed field.
	not workload.Kind
}

// expand replaces variables by paths, the kind of the workload and portside's field
// manager.
func (w write) expand(kind workload.Kind, manager string) []byte {
	return []byte(strings.NewReplacer(
		"{pod}", "/spec/template/spec",
		"{c}", "/spec/template/spec/containers/0",
		"{kind}", kind.Kind,
		"{us}", manager,
	).Replace(w.data))
}

func jsonPatch(operations string) write { return write{patch: types.JSONPatchType, data: operations} }

// applied returns an apply of a pod template.
func applied(pod string) write {
	return write{patch: types.ApplyPatchType, data: `{apiVersion: apps/v1, kind: {kind}, metadata: {name: dittofs}, spec: {template: {spec: ` + pod + `}}}`}
}

func forced(w write) write {
	w.force = true
	return w
}

func notOf(kind workload.Kind, w write) write {
	w.not = kind
	return w
}

// static are the owner's ports. With portside's adapter-nfs:12049 after them the
// container has three.
const static = `[{name: api, containerPort: 8080, protocol: TCP}, {containerPort: 2049, protocol: TCP}]`

// forbidden are writes with portside's token that the guard must refuse.
var forbidden = map[string]write{
	"the image":                      jsonPatch(`[{"op":"replace","path":"{c}/image","value":"evil"}]`),
	"the image of a sidecar":         jsonPatch(`[{"op":"replace","path":"{pod}/containers/1/image","value":"evil"}]`),
	"the image, by apply":            forced(applied(`{containers: [{name: dittofs, image: evil}]}`)),
	"an environment variable":        jsonPatch(`[{"op":"add","path":"{c}/env/-","value":{"name":"LD_PRELOAD","value":"evil"}}]`),
	"the value of one":               jsonPatch(`[{"op":"replace","path":"{c}/env/0/value","value":"evil"}]`),
	"the environment removed":        jsonPatch(`[{"op":"remove","path":"{c}/env"}]`),
	"the command":                    jsonPatch(`[{"op":"add","path":"{c}/command","value":["evil"]}]`),
	"privileges":                     jsonPatch(`[{"op":"add","path":"{c}/securityContext","value":{"privileged":true}}]`),
	"a container":                    jsonPatch(`[{"op":"add","path":"{pod}/containers/-","value":{"name":"evil","image":"evil"}}]`),
	"a container, by apply":          applied(`{containers: [{name: evil, image: evil}]}`),
	"a container removed":            jsonPatch(`[{"op":"remove","path":"{pod}/containers/1"}]`),
	"a container's name":             jsonPatch(`[{"op":"replace","path":"{c}/name","value":"evil"}]`),
	"the order of containers":        jsonPatch(`[{"op":"move","from":"{pod}/containers/1","path":"{c}"}]`),
	"an init container":              jsonPatch(`[{"op":"add","path":"{pod}/initContainers/-","value":{"name":"evil","image":"evil"}}]`),
	"the image of an init container": jsonPatch(`[{"op":"replace","path":"{pod}/initContainers/0/image","value":"evil"}]`),
	"a port of an init container":    jsonPatch(`[{"op":"add","path":"{pod}/initContainers/0/ports","value":[{"name":"adapter-smb","containerPort":1445}]}]`),
	"the node's network":             jsonPatch(`[{"op":"add","path":"{pod}/hostNetwork","value":true}]`),
	"the ServiceAccount":             jsonPatch(`[{"op":"add","path":"{pod}/serviceAccountName","value":"evil"}]`),
	"a volume":                       jsonPatch(`[{"op":"add","path":"{pod}/volumes","value":[{"name":"evil","hostPath":{"path":"/"}}]}]`),

	// No policy names these fields, as none names what a later API may add.
	"an unnamed field of the pod":         jsonPatch(`[{"op":"add","path":"{pod}/hostname","value":"evil"}]`),
	"an unnamed field of the pod changed": jsonPatch(`[{"op":"replace","path":"{pod}/terminationGracePeriodSeconds","value":7}]`),
	"an unnamed field of the spec":        jsonPatch(`[{"op":"add","path":"/spec/minReadySeconds","value":7}]`),
	"an unnamed field of a container":     jsonPatch(`[{"op":"add","path":"{c}/workingDir","value":"/evil"}]`),
	"an unnamed field, by apply":          applied(`{hostname: evil}`),

	"a label":                       jsonPatch(`[{"op":"add","path":"/metadata/labels/evil","value":"1"}]`),
	"labels removed":                jsonPatch(`[{"op":"remove","path":"/metadata/labels"}]`),
	"an annotation":                 jsonPatch(`[{"op":"add","path":"/metadata/annotations/evil","value":"1"}]`),
	"an annotation's value":         jsonPatch(`[{"op":"replace","path":"/metadata/annotations/note","value":"evil"}]`),
	"a finalizer":                   jsonPatch(`[{"op":"add","path":"/metadata/finalizers","value":["portside.dev/evil"]}]`),
	"an owner":                      jsonPatch(`[{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"v1","kind":"ConfigMap","name":"evil","uid":"evil"}]}]`),
	"a label of the template":       jsonPatch(`[{"op":"add","path":"/spec/template/metadata/labels/evil","value":"1"}]`),
	"an annotation of the template": jsonPatch(`[{"op":"add","path":"/spec/template/metadata/annotations","value":{"evil":"1"}}]`),

	"a static port":                     jsonPatch(`[{"op":"add","path":"{c}/ports/-","value":{"name":"evil","containerPort":9}}]`),
	"a static port, by apply":           applied(`{containers: [{name: dittofs, ports: [{name: evil, containerPort: 9, protocol: TCP}]}]}`),
	"a static port without a name":      jsonPatch(`[{"op":"add","path":"{c}/ports/-","value":{"containerPort":9}}]`),
	"a static port removed":             jsonPatch(`[{"op":"remove","path":"{c}/ports/0"}]`),
	"one without a name removed":        jsonPatch(`[{"op":"remove","path":"{c}/ports/1"}]`),
	"all ports removed":                 jsonPatch(`[{"op":"remove","path":"{c}/ports"}]`),
	"a static port's name":              jsonPatch(`[{"op":"replace","path":"{c}/ports/0/name","value":"evil"}]`),
	"a static port made an adapter's":   jsonPatch(`[{"op":"replace","path":"{c}/ports/0/name","value":"adapter-api"}]`),
	"a static port's name, by force":    forced(applied(`{containers: [{name: dittofs, ports: [{name: adapter-api, containerPort: 8080, protocol: TCP}]}]}`)),
	"a static port's name removed":      jsonPatch(`[{"op":"remove","path":"{c}/ports/0/name"}]`),
	"a static port's number":            jsonPatch(`[{"op":"replace","path":"{c}/ports/0/containerPort","value":9}]`),
	"a static port's protocol":          jsonPatch(`[{"op":"replace","path":"{c}/ports/0/protocol","value":"UDP"}]`),
	"a name for one without":            jsonPatch(`[{"op":"add","path":"{c}/ports/1/name","value":"adapter-smb"}]`),
	"a name for one without, by apply":  applied(`{containers: [{name: dittofs, ports: [{name: adapter-smb, containerPort: 2049, protocol: TCP}]}]}`),
	"a second port with a static key":   jsonPatch(`[{"op":"add","path":"{c}/ports/-","value":{"name":"adapter-api","containerPort":8080}}]`),
	"the order of static ports":         jsonPatch(`[{"op":"move","from":"{c}/ports/1","path":"{c}/ports/0"}]`),
	"an adapter port made static":       jsonPatch(`[{"op":"replace","path":"{c}/ports/2/name","value":"evil"}]`),
	"a port of the node":                jsonPatch(`[{"op":"add","path":"{c}/ports/2/hostPort","value":9}]`),
	"a port of the node on a new one":   jsonPatch(`[{"op":"add","path":"{c}/ports/-","value":{"name":"adapter-smb","containerPort":1445,"hostPort":1445}}]`),
	"a port, under another name":        {patch: types.JSONPatchType, manager: "other", data: `[{"op":"remove","path":"{c}/ports/2"}]`},
	"replicas":                          notOf(workload.DaemonSet, jsonPatch(`[{"op":"add","path":"/spec/replicas","value":0}]`)),
	"more than ports in its own entry":  applied(`{dnsPolicy: ClusterFirst}`),
	"more than an item in its own":      applied(`{containers: [{name: dittofs, image: "dittofs:1"}]}`),
	"a finalizer, with ports, by apply": {patch: types.ApplyPatchType, data: `{apiVersion: apps/v1, kind: {kind}, metadata: {name: dittofs, finalizers: [portside.dev/evil]}}`},
}
