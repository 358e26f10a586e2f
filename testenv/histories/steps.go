package histories

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
)

// Step is what one manager does. Run returns what the server answers; a step that finds
// nothing to write to does nothing.
type Step interface {
	fmt.Stringer
	Run(ctx context.Context, w *World) error
}

// Declare applies the object with these static ports as Argo CD does, with force.
type Declare struct{ Ports string }

func (d Declare) String() string { return "the owner applies " + d.Ports }

// Run applies the object.
func (d Declare) Run(ctx context.Context, w *World) error {
	_, err := w.Manager(testenv.ArgoCD).ForceApply(ctx, w.Kind.Declares(w.Variant, d.Ports))
	if err == nil {
		w.Declared = d.Ports
	}
	return err
}

// Share applies these ports and nothing else, without force.
type Share struct{ Ports string }

func (s Share) String() string { return "a contributor applies " + s.Ports }

// Run applies the ports.
func (s Share) Run(ctx context.Context, w *World) error {
	_, err := w.Manager(Contributor).Apply(ctx, w.Kind.Shares(s.Ports))
	return err
}

// Operate replaces the adapter ports by these as the former operator did: it reads, changes
// and updates the whole object.
type Operate struct{ Ports string }

func (o Operate) String() string { return "the former operator sets the adapter ports " + o.Ports }

// Run updates the object.
func (o Operate) Run(ctx context.Context, w *World) error {
	var adapters []any
	if err := yaml.Unmarshal([]byte(o.Ports), &adapters); err != nil {
		return err
	}
	return w.update(ctx, testenv.DittoFSOperator, func(object *unstructured.Unstructured) {
		static := slices.DeleteFunc(slices.Clone(w.Kind.ports(object)), func(p any) bool {
			port, _ := p.(map[string]any)
			name, _ := port["name"].(string)
			return strings.HasPrefix(name, "adapter-")
		})
		w.Kind.setPorts(object, append(static, adapters...))
	})
}

// ClientSideApply applies the object with these static ports as kubectl apply does: by a
// patch made of what it applied last, what it applies now, and what is live.
type ClientSideApply struct{ Ports string }

func (c ClientSideApply) String() string { return "kubectl applies client side " + c.Ports }

// Run reads and patches the object.
func (c ClientSideApply) Run(ctx context.Context, w *World) error {
	live, err := w.Live(ctx)
	if err != nil || live == nil {
		return err
	}
	declared := w.Kind.Declares(w.Variant, c.Ports)
	declared.SetNamespace(w.Namespace)
	last, err := json.Marshal(declared)
	if err != nil {
		return err
	}
	declared.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: string(last)})
	modified, err := json.Marshal(declared)
	if err != nil {
		return err
	}
	current, err := json.Marshal(live)
	if err != nil {
		return err
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(w.Kind.empty())
	if err != nil {
		return err
	}
	original := []byte(live.GetAnnotations()[corev1.LastAppliedConfigAnnotation])
	patch, err := strategicpatch.CreateThreeWayMergePatch(original, modified, current, schema, true)
	if err != nil || string(patch) == "{}" {
		return err
	}
	return w.patch(ctx, testenv.KubectlClientSideApply, types.StrategicMergePatchType, string(patch))
}

// Replace replaces the object as kubectl replace does: what it does not name is removed.
type Replace struct{ Ports string }

func (p Replace) String() string { return "kubectl replaces the object with ports " + p.Ports }

// Run updates the object.
func (p Replace) Run(ctx context.Context, w *World) error {
	return w.update(ctx, testenv.KubectlReplace, func(o *unstructured.Unstructured) {
		replacement := w.Kind.Declares(w.Variant, p.Ports)
		replacement.SetNamespace(w.Namespace)
		o.Object = replacement.Object
	})
}

// Recreate deletes the object, and its owner applies it again.
type Recreate struct{}

func (Recreate) String() string { return "the object is deleted and created again" }

// Run deletes and applies the object.
func (Recreate) Run(ctx context.Context, w *World) error {
	if err := w.Manager("kubectl").Delete(ctx, w.Kind.Name(), w.Namespace, Name); err != nil {
		return err
	}
	return Declare{w.Declared}.Run(ctx, w)
}

// Reset empties managedFields, so that no manager owns anything.
type Reset struct{}

func (Reset) String() string { return "managedFields are emptied" }

// Run patches the object.
func (Reset) Run(ctx context.Context, w *World) error {
	return w.patch(ctx, Resetter, types.JSONPatchType, `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
}

// Disown removes a manager's entry from managedFields, but never ours: that is the record of
// what we own. Entry counts from the first one in the order of names.
type Disown struct{ Entry int }

func (d Disown) String() string { return fmt.Sprintf("entry %d of managedFields is removed", d.Entry) }

// Run patches the object.
func (d Disown) Run(ctx context.Context, w *World) error {
	live, err := w.Live(ctx)
	if err != nil || live == nil {
		return err
	}
	entries := live.GetManagedFields()
	foreign := slices.DeleteFunc(slices.Clone(entries), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == testenv.Portside })
	slices.SortFunc(foreign, func(a, b metav1.ManagedFieldsEntry) int {
		return cmp.Or(cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Operation, b.Operation))
	})
	if d.Entry >= len(foreign) {
		return nil
	}
	at := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == foreign[d.Entry].Manager && e.Operation == foreign[d.Entry].Operation
	})
	return w.patch(ctx, "disown", types.JSONPatchType, fmt.Sprintf(`[{"op":"remove","path":"/metadata/managedFields/%d"}]`, at))
}

// Pause sets or removes the annotation that stops every write of ours.
type Pause struct{ Paused bool }

func (p Pause) String() string { return fmt.Sprintf("a user sets paused to %t", p.Paused) }

// Run patches the object.
func (p Pause) Run(ctx context.Context, w *World) error {
	value := "null"
	if p.Paused {
		value = `"true"`
	}
	return w.patch(ctx, "kubectl-annotate", types.MergePatchType, `{"metadata":{"annotations":{"portside.dev/paused":`+value+`}}}`)
}

// Misuse applies a label, or nothing, under the name of portside's field manager, which then
// is not dedicated (case 31), or is again.
type Misuse struct{ Label bool }

func (m Misuse) String() string {
	return fmt.Sprintf("another program applies as portside, a label: %t", m.Label)
}

// Run applies the object.
func (m Misuse) Run(ctx context.Context, w *World) error {
	o := w.Kind.Shares("[]")
	delete(o.Object, "spec")
	if m.Label {
		o.SetLabels(map[string]string{"tier": "storage"})
	}
	_, err := w.Manager(testenv.Portside).Apply(ctx, o)
	return err
}
