package fieldmanager_test

import (
	"encoding/json"
	"fmt"
	"log"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// deployment is what a client reads, as far as it matters here: Argo CD
// declares the env vars MODE and TOKEN of the container web, a user changed
// the value of MODE by hand, and an operator added PEERS with plain updates.
const deployment = `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "48213", "managedFields": [
    {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-03-02T09:15:00Z", "fieldsType": "FieldsV1",
     "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
       ".": {}, "f:name": {}, "f:image": {},
       "f:env": {
         "k:{\"name\":\"MODE\"}": {".": {}, "f:name": {}},
         "k:{\"name\":\"TOKEN\"}": {".": {}, "f:name": {}, "f:valueFrom": {"f:secretKeyRef": {}}}}}}}}}}},
    {"manager": "peers-operator", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-03-02T09:20:00Z", "fieldsType": "FieldsV1",
     "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
       "f:env": {
         "k:{\"name\":\"PEERS\"}": {".": {}, "f:name": {}, "f:value": {}}}}}}}}}},
    {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-03-03T17:40:00Z", "fieldsType": "FieldsV1",
     "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
       "f:env": {
         "k:{\"name\":\"MODE\"}": {"f:value": {}}}}}}}}}}
  ]}
}`

// webEnv is the list of env vars of the container named web.
var webEnv = fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "web"), "env")

func readDeployment() *appsv1.Deployment {
	var d appsv1.Deployment
	if err := json.Unmarshal([]byte(deployment), &d); err != nil {
		log.Fatal(err)
	}
	return &d
}

// Who declares an env var, and who owns its value.
func Example() {
	entries, err := fieldmanager.Decode(readDeployment().ManagedFields)
	if err != nil {
		log.Fatal(err)
	}
	owners := entries.In(webEnv)
	for _, key := range owners.Keys() {
		of, err := owners.Of(key)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key, "stays as long as it is applied by", fieldmanager.Names(of.Item))
		for _, field := range []string{"value", "valueFrom"} {
			if managers := of.Leaves[field]; len(managers) > 0 {
				fmt.Println("  its", field, "is owned by", managers)
			}
		}
	}
	// Output:
	// [name="MODE"] stays as long as it is applied by [argocd-controller]
	//   its value is owned by [kubectl-edit (Update)]
	// [name="PEERS"] stays as long as it is applied by [peers-operator]
	//   its value is owned by [peers-operator (Update)]
	// [name="TOKEN"] stays as long as it is applied by [argocd-controller]
	//   its valueFrom is owned by [argocd-controller (Apply)]
}

// The API server's refusal, as a client gets it.
func ExampleConflicts() {
	const answer = `{
	  "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409,
	  "message": "Apply failed with 2 conflicts: conflicts with \"argocd-controller\":\n- .spec.template.spec.containers[name=\"web\"].image\nconflicts with \"kubectl-edit\" using apps/v1:\n- .spec.template.spec.containers[name=\"web\"].env[name=\"MODE\"].value",
	  "details": {"causes": [
	    {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl-edit\" using apps/v1", "field": ".spec.template.spec.containers[name=\"web\"].env[name=\"MODE\"].value"},
	    {"reason": "FieldManagerConflict", "message": "conflict with \"argocd-controller\"", "field": ".spec.template.spec.containers[name=\"web\"].image"}
	  ]}
	}`
	refusal := &apierrors.StatusError{}
	if err := json.Unmarshal([]byte(answer), &refusal.ErrStatus); err != nil {
		log.Fatal(err)
	}

	mode := webEnv.Item(fieldmanager.KeyOf("name", "MODE"))
	if conflict := fieldmanager.Conflicts(fmt.Errorf("apply: %w", refusal)); conflict != nil {
		for _, c := range conflict.Conflicts {
			fmt.Printf("%s\n  is owned by %s; it is of MODE: %t\n", c.Path, c.Manager, c.Within(mode))
		}
	}
	// Output:
	// .spec.template.spec.containers[name="web"].env[name="MODE"].value
	//   is owned by kubectl-edit (Update); it is of MODE: true
	// .spec.template.spec.containers[name="web"].image
	//   is owned by argocd-controller (Apply); it is of MODE: false
}

// A controller that applies the env var PEERS comes to own this and no more.
// An entry with other fields was made by an apply that sent too much.
func ExampleList_Claim() {
	claim := webEnv.Claim([]string{"name", "value"}, fieldmanager.KeyOf("name", "PEERS"))
	fmt.Println(claim)

	managed := []metav1.ManagedFieldsEntry{{
		Manager: "peers", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "apps/v1", FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{},` +
			`"f:env":{"k:{\"name\":\"PEERS\"}":{".":{},"f:name":{},"f:value":{}}}}}}}}}`),
	}}
	entries, err := fieldmanager.Decode(managed)
	if err != nil {
		log.Fatal(err)
	}
	peers, _ := entries.Of(fieldmanager.Applier("peers"))
	fmt.Println("holds", peers.Keys(webEnv))
	fmt.Println("and too much:", peers.Fields.Difference(claim))
	// Output:
	// .spec.template.spec.containers[name="web"]
	// .spec.template.spec.containers[name="web"].name
	// .spec.template.spec.containers[name="web"].env[name="PEERS"]
	// .spec.template.spec.containers[name="web"].env[name="PEERS"].name
	// .spec.template.spec.containers[name="web"].env[name="PEERS"].value
	// holds [[name="PEERS"]]
	// and too much: .spec.template.spec.containers[name="web"].image
}

// The operator that wrote PEERS with plain updates is replaced by one that
// applies it: PEERS alone changes hands, the replicas stay the operator's.
func ExampleTransfer() {
	d := readDeployment()
	managed, moved, err := fieldmanager.Transfer{
		List:   webEnv,
		Leaves: []string{"name", "value"},
		From:   []fieldmanager.Manager{fieldmanager.Updater("peers-operator")},
		To:     &fieldmanager.Recipient{Manager: fieldmanager.Applier("peers"), APIVersion: "apps/v1"},
	}.Apply(d.ManagedFields, fieldmanager.KeyOf("name", "PEERS"), fieldmanager.KeyOf("name", "MODE"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("moved:", moved)
	for _, e := range managed {
		if e.Manager != "argocd-controller" && e.Manager != "kubectl-edit" {
			fmt.Println(e.Manager, e.Operation, e.FieldsV1)
		}
	}
	// Output:
	// moved: [[name="PEERS"]]
	// peers-operator Update {"f:spec":{"f:replicas":{}}}
	// peers Apply {"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:env":{"k:{\"name\":\"PEERS\"}":{".":{},"f:name":{},"f:value":{}}},"f:name":{}}}}}}}
}

// What came of a hand-over is written with a JSON patch, for the object it was
// made from and no other. Here a manager's ownership of a value is given up.
func ExamplePatch() {
	d := readDeployment()
	managed := fieldmanager.Without(d.ManagedFields, fieldmanager.Updater("kubectl-edit"))
	patch, err := fieldmanager.Patch(d.ResourceVersion, managed)
	if err != nil {
		log.Fatal(err)
	}
	var operations []fieldmanager.PatchOperation
	if err := json.Unmarshal(patch, &operations); err != nil {
		log.Fatal(err)
	}
	for _, o := range operations {
		fmt.Println(o.Op, o.Path)
	}
	fmt.Println("only for resourceVersion", operations[0].Value)
	// client.AppsV1().Deployments("shop").Patch(ctx, "web", types.JSONPatchType, patch, metav1.PatchOptions{})
	// is answered with a conflict (409) once the Deployment has changed.

	// Output:
	// replace /metadata/resourceVersion
	// replace /metadata/managedFields
	// only for resourceVersion 48213
}
