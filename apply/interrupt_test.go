package apply_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"k8s.io/client-go/rest"
)

// interrupted returns a configuration that calls happen before the first write: the same
// as a race, but deterministic.
func interrupted(config *rest.Config, happen func() error) *rest.Config {
	return interruptedAt(config, 1, happen)
}

// interruptedAt returns a configuration that calls happen before the nth write.
func interruptedAt(config *rest.Config, write int32, happen func() error) *rest.Config {
	var writes atomic.Int32
	return intercepted(config, func(r *http.Request) error {
		if r.Method == http.MethodGet || writes.Add(1) != write {
			return nil
		}
		return happen()
	})
}

// audited returns a configuration whose applies may have only what portside may send: no
// force, no null, and of the object only metadata's name,
// namespace, uid and resourceVersion (which guard), the container's name and the
// ports' three fields.
func audited(config *rest.Config) *rest.Config {
	return intercepted(config, func(r *http.Request) error {
		if r.Header.Get("Content-Type") != "application/apply-patch+yaml" {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if query := r.URL.Query(); query.Get("force") != "false" || query.Get("fieldManager") == "" {
			return fmt.Errorf("the query of an apply is %s", r.URL.RawQuery)
		}
		var object any
		if err := json.Unmarshal(body, &object); err != nil {
			return err
		}
		if err := mayBeSent("", object); err != nil {
			return fmt.Errorf("%w in %s", err, body)
		}
		return nil
	})
}

// sendable are the leaves that an apply may have, as paths without list indices.
var sendable = []string{
	".apiVersion", ".kind", ".metadata.name", ".metadata.namespace", ".metadata.uid", ".metadata.resourceVersion", ".spec.template.spec.containers.name",
	".spec.template.spec.containers.ports.name", ".spec.template.spec.containers.ports.containerPort", ".spec.template.spec.containers.ports.protocol",
	".spec.ports.name", ".spec.ports.port", ".spec.ports.protocol", ".spec.ports.targetPort", ".spec.ports.nodePort", ".spec.ports.appProtocol",
}

func mayBeSent(path string, value any) error {
	switch v := value.(type) {
	case nil:
		return fmt.Errorf("null at %s", path)
	case map[string]any:
		for field, below := range v {
			if err := mayBeSent(path+"."+field, below); err != nil {
				return err
			}
		}
		if len(v) == 0 {
			return fmt.Errorf("an empty object at %s", path)
		}
	case []any:
		for _, item := range v {
			if err := mayBeSent(path, item); err != nil {
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

func intercepted(config *rest.Config, check func(*http.Request) error) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if err := check(r); err != nil {
				return nil, err
			}
			return next.RoundTrip(r)
		})
	})
	return config
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
