package apply_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// renameContainer renames the container by an Update.
var renameContainer = testenv.Update{Manager: testenv.KubectlReplace, Mutate: func(w *unstructured.Unstructured) {
	testenv.EditContainer(w, dittofs, func(c map[string]any) {
		c["name"] = "server"
		c["ports"] = []any{map[string]any{"name": "api", "containerPort": int64(8080), "protocol": "TCP"}}
	})
}}

// staleEntry leaves an entry of ours for a container that no longer exists, as an admission
// policy does that removes the container in the owner's request.
var staleEntry = edits("policy", `[{"op":"add","path":"/metadata/managedFields/-","value":{
	"manager":"portside","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":
	{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:name":{},
	"f:ports":{"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}}}}}}}}}}]`)

func TestOnlyContainerRenamed(t *testing.T) {
	t.Parallel()
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry,
		wanting(nfs).costing("GET 1, APPLY 1").is(apply.Applied, ownedNFS),
		testenv.Expect{Containers: []string{"server"}, Owners: map[string][]string{"": {}}},
	).Run(t, testenv.Shared(t))
}

func TestEntryOfRemovedContainer(t *testing.T) {
	t.Parallel()
	named := wanting(nfs)
	named.container = dittofs
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS), renameContainer, staleEntry,
		testenv.Expect{Containers: []string{"server"}, Owners: map[string][]string{"": {usApply}}},
		named.is(apply.ContainerNotFound),
		testenv.Expect{Change: testenv.MetadataChanged, Containers: []string{"server"}, Owners: map[string][]string{"": {}}},
		named.costing("GET 1, APPLY 0").is(apply.ContainerNotFound),
	).Run(t, testenv.Shared(t))
}

func TestContainerNotFoundKeepsPorts(t *testing.T) {
	t.Parallel()
	wrong := wanting(nfs)
	wrong.container = "dittosf"
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		wrong.costing("GET 1, APPLY 0").is(apply.ContainerNotFound),
		testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
	).Run(t, testenv.Shared(t))
}

func TestContainer(t *testing.T) {
	t.Parallel()
	two := func(annotations string) testenv.Apply {
		return by(testenv.ArgoCD, fixture.StatefulSet(dittofs, fixture.Container("sidecar"), fixture.Container(dittofs), fixture.Spec(`
template:
  metadata: {annotations: {`+annotations+`}}
  spec: {initContainers: [{name: proxy, image: "proxy:1", restartPolicy: Always, ports: [{name: smb, containerPort: 1445}]}]}`)))
	}
	named := wanting(nfs, smb)
	named.container = dittofs
	story(
		two(""),
		wanting(nfs).costing("GET 1, APPLY 0").is(apply.ContainerNotFound),
		two("kubectl.kubernetes.io/default-container: dittofs"),
		wanting(nfs).is(apply.Applied, ownedNFS),
		testenv.Expect{Ports: []string{"adapter-nfs:12049/TCP"}},
		// An init container's ports are not managed.
		named.is(apply.Applied, ownedNFS, ownedSMB),
		two("kubectl.kubernetes.io/default-container: missing"),
		wanting(nfs).is(apply.ContainerNotFound),
		testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, testenv.Shared(t))
}
