package fieldmanager

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PatchOperation is one operation of a JSON patch (RFC 6902).
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Patch returns the JSON patch that stores managed in the object that was read at
// resourceVersion, after the other operations. The server refuses it with a
// conflict (409) once the object has changed: managedFields are written whole,
// and a list made from an older object would undo what others did since.
func Patch(resourceVersion string, managed []metav1.ManagedFieldsEntry, others ...PatchOperation) ([]byte, error) {
	if resourceVersion == "" {
		return nil, fmt.Errorf("a patch of managedFields needs the resourceVersion of the object they were read from")
	}
	if len(managed) == 0 {
		// The server takes an absent or empty list for a client that does not
		// know the field, and keeps what it has. One empty entry clears it.
		managed = []metav1.ManagedFieldsEntry{{}}
	}
	operations := []PatchOperation{{Op: "replace", Path: "/metadata/resourceVersion", Value: resourceVersion}}
	operations = append(operations, others...)
	operations = append(operations, PatchOperation{Op: "replace", Path: "/metadata/managedFields", Value: managed})
	return json.Marshal(operations)
}
