package fieldmanagertest_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/fieldmanager/fieldmanagertest"
)

// recorder is a test that keeps what it reports.
type recorder struct{ reported string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.reported += fmt.Sprintf(format, args...) + "\n"
}

func entry(m fieldmanager.Manager, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: m.Name, Operation: m.Operation, Subresource: m.Subresource,
		APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
}

func object(entries ...metav1.ManagedFieldsEntry) *metav1.ObjectMeta {
	return &metav1.ObjectMeta{Namespace: "shop", Name: "web", ManagedFields: entries}
}

var (
	helm     = fieldmanager.Applier("helm")
	peers    = fieldmanager.Applier("peers")
	old      = fieldmanager.Updater("peers")
	program  = fieldmanager.Updater("peers.test")
	status   = fieldmanager.Manager{Name: "peers", Operation: "Update", Subresource: "status"}
	image    = entry(helm, `{"f:spec":{"f:image":{}}}`)
	replicas = entry(peers, `{"f:spec":{"f:replicas":{}}}`)
)

func TestExpectOwned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		object *metav1.ObjectMeta
		paths  []string
		want   string
	}{
		"exactly":            {object(image, replicas), []string{".spec.replicas"}, ""},
		"nothing":            {object(image), nil, ""},
		"subresource":        {object(replicas, entry(status, `{"f:status":{"f:ready":{}}}`)), []string{".spec.replicas"}, ""},
		"one field too many": {object(image, replicas), nil, "shop/web: field manager peers (Apply) does not own the expected fields:\n  surplus .spec.replicas\n"},
		"one field too few": {object(image, replicas), []string{".spec.replicas", ".spec.paused"},
			"shop/web: field manager peers (Apply) does not own the expected fields:\n  missing .spec.paused\n"},
		"owned by Update": {object(entry(old, `{"f:spec":{"f:replicas":{}}}`)), []string{".spec.replicas"},
			"shop/web: field manager peers (Apply) does not own the expected fields:\n  missing .spec.replicas\n  surplus .spec.replicas, owned by peers (Update)\n"},
		"unreadable": {object(entry(peers, "\xff")), nil, `shop/web: managedFields[0] of "peers" cannot be read: not UTF-8` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			fieldmanagertest.ExpectOwned(&r, test.object, "peers", test.paths...)
			if r.reported != test.want {
				t.Errorf("reported\n%s\nwant\n%s", r.reported, test.want)
			}
		})
	}
}

func TestExpectReconciled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after *metav1.ObjectMeta
		want          string
	}{
		"only its fields":           {object(image), object(image, replicas), ""},
		"an Update entry of before": {object(entry(old, `{"f:spec":{"f:paused":{}}}`)), object(replicas, entry(old, `{"f:spec":{"f:paused":{}}}`)), ""},
		"another manager's loss":    {object(image, replicas), object(replicas), ""},
		"a request without the field manager": {object(image), object(replicas, entry(program, `{"f:spec":{"f:image":{}}}`)),
			"shop/web: field manager peers (Apply) does not own the expected fields:\n  surplus .spec.image, owned by peers.test (Update)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			fieldmanagertest.ExpectReconciled(&r, test.before, test.after, "peers", ".spec.replicas")
			if r.reported != test.want {
				t.Errorf("reported\n%s\nwant\n%s", r.reported, test.want)
			}
		})
	}
}
