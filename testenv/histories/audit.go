package histories

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/workload"
)

// sendable are the leaves that an apply of portside may have, as paths without list indices:
// of the object what identifies and guards it, the container's name, and the ports.
var sendable = []string{
	".apiVersion", ".kind", ".metadata.name", ".metadata.namespace", ".metadata.uid", ".metadata.resourceVersion", ".spec.template.spec.containers.name",
	".spec.template.spec.containers.ports.name", ".spec.template.spec.containers.ports.containerPort", ".spec.template.spec.containers.ports.protocol",
	".spec.ports.name", ".spec.ports.port", ".spec.ports.protocol", ".spec.ports.targetPort", ".spec.ports.nodePort", ".spec.ports.appProtocol",
}

// Audit returns an error for the body of an apply that has a value which portside may not
// send, a null, or an empty object or list.
func Audit(body []byte) error {
	var object any
	if err := json.Unmarshal(body, &object); err != nil {
		return err
	}
	if err := audit("", object); err != nil {
		return fmt.Errorf("%w in %s", err, body)
	}
	return nil
}

func audit(path string, value any) error {
	switch v := value.(type) {
	case nil:
		return fmt.Errorf("null at %s", path)
	case map[string]any:
		for field, below := range v {
			if err := audit(path+"."+field, below); err != nil {
				return err
			}
		}
		if len(v) == 0 {
			return fmt.Errorf("an empty object at %s", path)
		}
	case []any:
		for _, item := range v {
			if err := audit(path, item); err != nil {
				return err
			}
		}
		if len(v) == 0 {
			return fmt.Errorf("an empty list at %s", path)
		}
	default:
		if !slices.Contains(sendable, path) {
			return fmt.Errorf("a value at %s", path)
		}
	}
	return nil
}

// audited is a client whose applies are audited. It refuses one with force.
type audited struct{ workload.Client }

// Apply applies a configuration that portside may send.
func (c audited) Apply(ctx context.Context, d *workload.Definition, namespace, name string, configuration any, o metav1.ApplyOptions) (workload.Object, error) {
	body, err := json.Marshal(configuration)
	if err != nil {
		return nil, err
	}
	if err := Audit(body); err != nil {
		return nil, err
	}
	if o.Force || o.FieldManager == "" {
		return nil, fmt.Errorf("an apply by %q, with force: %t", o.FieldManager, o.Force)
	}
	return c.Client.Apply(ctx, d, namespace, name, configuration, o)
}
