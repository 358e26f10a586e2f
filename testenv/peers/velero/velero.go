package velero

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// Manager is the field manager of a restore: Velero's requests name none, and this is
// the name in its user agent (buildUserAgent in pkg/client/client.go).
const Manager = "velero-server"

// Restore has the options of a restore.
type Restore struct {
	// DropManagedFields leaves managedFields out, as Velero did before 1.11.
	DropManagedFields bool
	// PreserveNodePorts is --preserve-nodeports.
	PreserveNodePorts bool
}

// Create restores an object that does not exist, with the requests of restoreItem in
// pkg/restore/restore.go: it creates the object, and then patches managedFields to what
// they were in the backup.
func (r Restore) Create(s *compat.Site, backup *unstructured.Unstructured) error {
	object, err := r.prepare(backup)
	if err != nil {
		return err
	}
	velero, err := client(s)
	if err != nil {
		return err
	}
	created, err := velero.Create(s.Context(), object)
	if err != nil || r.DropManagedFields {
		return err
	}
	restored := created.DeepCopy()
	restored.SetManagedFields(object.GetManagedFields())
	return patch(s.Context(), velero, created, restored)
}

// Update restores an object that exists, with existingResourcePolicy: update. As in
// processUpdateResourcePolicy, it patches all differences from the backup.
func (r Restore) Update(s *compat.Site, backup *unstructured.Unstructured) error {
	object, err := r.prepare(backup)
	if err != nil {
		return err
	}
	velero, err := client(s)
	if err != nil {
		return err
	}
	return patch(s.Context(), velero, reset(s.Live()), object)
}

// prepare does what restoreItem does before it sends a backed-up object: it resets
// metadata and status, calls the action for Services, and adds its labels.
func (r Restore) prepare(backup *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	object := reset(backup)
	if r.DropManagedFields {
		object.SetManagedFields(nil)
	}
	if object.GetKind() == compat.ServiceKind {
		if err := r.prepareService(object); err != nil {
			return nil, err
		}
	}
	labels := maps.Clone(object.GetLabels())
	labels["velero.io/backup-name"], labels["velero.io/restore-name"] = "nightly", "nightly-restored"
	object.SetLabels(labels)
	return object, nil
}

// reset returns the object without what the cluster sets, as resetMetadataAndStatus
// does. managedFields stay.
func reset(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	for _, field := range []string{
		"generateName", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
		"deletionGracePeriodSeconds", "ownerReferences",
	} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(object.Object, "status")
	return object
}

// prepareService removes addresses and node ports, as Execute in
// pkg/restore/actions/service_action.go does for a Service without the annotation of
// client-side apply: it keeps the node ports that a manager owns.
func (r Restore) prepareService(service *unstructured.Unstructured) error {
	for _, field := range []string{"clusterIP", "clusterIPs"} {
		unstructured.RemoveNestedField(service.Object, "spec", field)
	}
	if r.PreserveNodePorts {
		return nil
	}
	ports, _, err := unstructured.NestedSlice(service.Object, "spec", "ports")
	if err != nil {
		return err
	}
	for _, p := range ports {
		if port, ok := p.(map[string]any); ok && !ownsNodePort(service, port) {
			delete(port, "nodePort")
		}
	}
	return unstructured.SetNestedSlice(service.Object, ports, "spec", "ports")
}

func ownsNodePort(service *unstructured.Unstructured, port map[string]any) bool {
	key := fmt.Sprintf(`k:{"port":%v,"protocol":"%v"}`, port["port"], port["protocol"])
	for _, entry := range service.GetManagedFields() {
		var fields map[string]any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return false
		}
		if _, owned, _ := unstructured.NestedMap(fields, "f:spec", "f:ports", key, "f:nodePort"); owned {
			return true
		}
	}
	return false
}

// patch sends the difference between two objects as a JSON merge patch, as generatePatch
// makes it.
func patch(ctx context.Context, velero *testenv.Manager, from, to *unstructured.Unstructured) error {
	before, err := from.MarshalJSON()
	if err != nil {
		return err
	}
	after, err := to.MarshalJSON()
	if err != nil {
		return err
	}
	difference, err := jsonmergepatch.CreateThreeWayJSONMergePatch(before, after, before)
	if err != nil || string(difference) == "{}" {
		return err
	}
	_, err = velero.Patch(ctx, to.GetKind(), to.GetNamespace(), to.GetName(), types.MergePatchType, difference)
	return err
}

// client returns a client with Velero's user agent, which names no field manager.
func client(s *compat.Site) (*testenv.Manager, error) {
	config := rest.CopyConfig(s.Config())
	config.UserAgent = Manager + "/v1.18.3 (linux/amd64) -"
	return testenv.NewManager(config, "")
}
