package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// patience bounds how long a step may take, with the restarts of the API server.
const patience = 2 * time.Minute

// write sends a write of a manager, again while the API server cannot be reached, and
// notes the answer. A refusal is no error.
func (s *site) write(ctx context.Context, kind, manager string, send func(context.Context, *testenv.Manager) (*unstructured.Unstructured, error)) error {
	var stored *unstructured.Unstructured
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var err error
		stored, err = send(ctx, s.world.manager(manager).In(s.namespace))
		switch _, unreachable := errors.AsType[*url.Error](err); {
		case unreachable:
			s.answerLost()
			return false, nil
		case apierrors.IsServiceUnavailable(err), apierrors.IsTooManyRequests(err), apierrors.IsTimeout(err),
			apierrors.IsServerTimeout(err), apierrors.IsUnauthorized(err), apierrors.IsForbidden(err):
			return false, nil // while it starts
		}
		return true, err
	})
	isAnswer := errors.As(err, new(apierrors.APIStatus))
	switch {
	case isAnswer:
		return nil
	case err != nil || stored == nil:
		return err
	}
	switch kind {
	case "AdapterSet":
	case "Service":
		s.writtenService = stored
	default:
		s.written = stored
		s.ledger.note(stored, false)
	}
	return nil
}

// share has a second manager apply ports without force. It applies to no missing target.
func (s *site) share(ctx context.Context, ports []string) error {
	if s.written == nil && s.quiet.target == nil {
		return nil
	}
	return s.write(ctx, s.Kind, "team", func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		if len(ports) == 0 {
			return m.Apply(ctx, map[string]any{"apiVersion": "apps/v1", "kind": s.Kind, "metadata": map[string]any{"name": name}})
		}
		return m.Apply(ctx, fixture.PortsOf(s.Kind, name, container, ports...))
	})
}

func (s *site) edit(ctx context.Context, kind, manager string, mutate func(*unstructured.Unstructured)) error {
	return s.write(ctx, kind, manager, func(ctx context.Context, m *testenv.Manager) (stored *unstructured.Unstructured, err error) {
		for range 5 {
			if stored, err = m.Update(ctx, kind, "", name, mutate); !apierrors.IsConflict(err) {
				break
			}
		}
		return stored, err
	})
}

func (s *site) patch(ctx context.Context, kind, manager string, pt types.PatchType, data string) error {
	return s.write(ctx, kind, manager, func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		return m.Patch(ctx, kind, "", name, pt, []byte(data))
	})
}

func (s *site) delete(ctx context.Context, kind string) error {
	err := s.write(ctx, kind, "kubectl", func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		return nil, m.Delete(ctx, kind, "", name)
	})
	switch kind {
	case "AdapterSet":
	case "Service":
		s.writtenService, s.quiet.service = nil, nil
	default:
		s.written, s.quiet.target = nil, nil
	}
	return err
}

// disown removes one of the entries of managedFields, but not portside's: that is the
// record of what portside owns.
func (s *site) disown(ctx context.Context, n int) error {
	return s.write(ctx, s.Kind, "disown", func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		live, err := m.Get(ctx, s.Kind, "", name)
		if err != nil {
			return nil, err
		}
		entries := live.GetManagedFields()
		for i := range entries {
			if i = (i + n) % len(entries); entries[i].Manager == contract.Manager || entries[i].Subresource != "" {
				continue
			}
			return m.Patch(ctx, s.Kind, "", name, types.JSONPatchType, fmt.Appendf(nil,
				`[{"op":"test","path":"/metadata/resourceVersion","value":%q},{"op":"remove","path":"/metadata/managedFields/%d"}]`, live.GetResourceVersion(), i))
		}
		return nil, nil
	})
}

// applySet changes the spec of the AdapterSet, and creates the AdapterSet if it does not
// exist. One that is being deleted takes no change: it is gone soon.
func (s *site) applySet(ctx context.Context, change func(spec map[string]any)) error {
	if s.spec == nil {
		s.spec = map[string]any{"targetRef": map[string]any{"apiVersion": "apps/v1", "kind": s.Kind, "name": name}, "container": container, "adapters": []any{},
			"rollout": map[string]any{"stabilizationWindowSeconds": int64(0), "removalDelaySeconds": int64(0)}}
	}
	change(s.spec)
	var stored *unstructured.Unstructured
	err := s.write(ctx, "AdapterSet", "git", func(ctx context.Context, m *testenv.Manager) (_ *unstructured.Unstructured, err error) {
		stored, err = m.ForceApply(ctx, map[string]any{"apiVersion": "portside.dev/v1alpha1", "kind": "AdapterSet", "metadata": map[string]any{"name": name}, "spec": s.spec})
		return stored, err
	})
	if stored == nil || stored.GetDeletionTimestamp() != nil {
		s.spec = nil
	}
	return err
}
