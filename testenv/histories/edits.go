package histories

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// Edit sets a field of a port, as kubectl edit does. Port counts from the first one, and
// around. An empty value removes the field.
type Edit struct {
	Port  int
	Field string
	Value any
}

func (e Edit) String() string {
	return fmt.Sprintf("a user sets %s of port %d to %q", e.Field, e.Port, fmt.Sprint(e.Value))
}

// Run updates the object.
func (e Edit) Run(ctx context.Context, w *World) error {
	return w.update(ctx, testenv.KubectlEdit, func(o *unstructured.Unstructured) {
		if port := nth(w.Kind.ports(o), e.Port); port == nil {
			return
		} else if port[e.Field] = e.Value; e.Value == "" {
			delete(port, e.Field)
		}
	})
}

// EditBack changes the name of a port and then restores it, so that the user owns a name that
// is still the one its manager gave. Port counts from the first one, and around.
type EditBack struct{ Port int }

func (e EditBack) String() string {
	return fmt.Sprintf("a user changes the name of port %d and restores it", e.Port)
}

// Run updates the object twice.
func (e EditBack) Run(ctx context.Context, w *World) error {
	live, err := w.Live(ctx)
	if err != nil || live == nil {
		return err
	}
	port := nth(w.Kind.ports(live), e.Port)
	name, _ := port["name"].(string)
	if name == "" {
		return nil
	}
	for _, value := range []string{"edited", name} {
		if err := (Edit{e.Port, "name", value}).Run(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// nth returns a port of a list, counted around, nil where there is none.
func nth(ports []any, n int) map[string]any {
	if len(ports) == 0 {
		return nil
	}
	port, _ := ports[n%len(ports)].(map[string]any)
	return port
}

// Duplicate adds a port with the key of another one by an Update, under another name
// (fact 6).
type Duplicate struct {
	Port int
	Name string
}

func (d Duplicate) String() string {
	return fmt.Sprintf("a user adds a second port with the key of port %d, named %q", d.Port, d.Name)
}

// Run updates the object.
func (d Duplicate) Run(ctx context.Context, w *World) error {
	return w.update(ctx, testenv.KubectlEdit, func(o *unstructured.Unstructured) {
		ports := w.Kind.ports(o)
		if port := nth(ports, d.Port); port != nil {
			second := map[string]any{w.Kind.numberField(): port[w.Kind.numberField()], "protocol": port["protocol"]}
			if d.Name != "" {
				second["name"] = d.Name
			}
			w.Kind.setPorts(o, append(ports, second))
		}
	})
}

// Remove removes a port by an Update. Port counts from the first one, and around.
type Remove struct {
	Manager string
	Port    int
}

func (e Remove) String() string { return fmt.Sprintf("%s removes port %d", e.Manager, e.Port) }

// Run updates the object.
func (e Remove) Run(ctx context.Context, w *World) error {
	return w.update(ctx, e.Manager, func(o *unstructured.Unstructured) {
		if ports := w.Kind.ports(o); len(ports) > 0 {
			at := e.Port % len(ports)
			w.Kind.setPorts(o, slices.Delete(slices.Clone(ports), at, at+1))
		}
	})
}
