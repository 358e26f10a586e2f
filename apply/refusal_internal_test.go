package apply

import (
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// FuzzRefusal: whatever the API server answers to an apply, only items that were applied
// are taken to be refused, and each has a cause.
func FuzzRefusal(f *testing.F) {
	for _, seed := range [][3]string{
		{"FieldValueDuplicate", "spec.template.spec.containers[0].ports[1].name", `Duplicate value: "adapter-nfs"`},
		{"FieldValueInvalid", "spec.template.spec.containers[0].ports[1].containerPort", `Invalid value: 70000: must be between 1 and 65535, inclusive`},
		{"FieldManagerConflict", `.spec.template.spec.containers[name="files"].ports[containerPort=2049,protocol="TCP"].name`, `conflict with "argocd-controller"`},
		{"FieldValueInvalid", "spec.template.spec.containers[0].ports", `Invalid value: []interface {}{1}: more`},
		{"FieldValueInvalid", "[", `Invalid value: {`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	list := workload.Ports("files")
	items := []port.Item{list.Item(port.Port{Name: "adapter-nfs", Number: 2049, Protocol: "TCP"}), list.Item(port.Port{Name: "adapter-smb", Number: 1445, Protocol: "TCP"})}
	f.Fuzz(func(t *testing.T, cause, field, message string) {
		err := &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseType(cause), Field: field, Message: message}}},
		}}
		refused := refusedItems(err, list, items)
		for key, refusal := range refused {
			if key != items[0].Key && key != items[1].Key {
				t.Fatalf("%s was not applied", list.Text(key))
			}
			if refusal.Message == "" && len(refusal.Fields) == 0 {
				t.Fatalf("%s has no cause", list.Text(key))
			}
		}
		if known := (refusals{}); known.learn(refused) != (len(refused) > 0) || known.learn(refused) {
			t.Fatalf("%v is not learned once", refused)
		}
	})
}
