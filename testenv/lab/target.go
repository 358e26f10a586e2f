package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// name of the target, the AdapterSet and the Service of each history.
const name = "files"

// site is a namespace in which a history is played.
type site struct {
	*history
	namespace string
	world     *world
	ledger    ledger

	declared []string       // the owner's static ports
	spec     map[string]any // of the AdapterSet as last applied, nil without one
	// written are the target and the Service as the API server stored the last write of
	// this round that was not portside's, nil without one.
	written, writtenService *unstructured.Unstructured
	// steps is the number of steps of this round, and uncertain reports that the answer to
	// one of its writes was lost.
	steps     int
	reset     bool       // a step of this round changed a policy or deleted the AdapterSet
	mu        sync.Mutex // guards uncertain
	uncertain bool
	// unseen reports that the AdapterSet was deleted in a round in which both replicas were
	// killed, so that none may have seen the deletion.
	unseen bool

	// quiet is what the last quiet period ended with.
	quiet state
}

// state are the objects of a site as they are stored, nil where there are none.
type state struct{ target, set, service *unstructured.Unstructured }

// play plays a step. It returns an error only if the step could not be played; a request
// that the API server refuses has been played.
func (s *site) play(ctx context.Context, one step) error {
	s.steps++
	var err error
	switch one.Op {
	case opDeclare:
		s.declared = one.Ports
		err = s.declare(ctx)
	case opRecreate:
		if err = s.delete(ctx, s.Kind); err == nil {
			s.declared = one.Ports
			err = s.declare(ctx)
		}
	case opShare:
		err = s.share(ctx, one.Ports)
	case opRename:
		err = s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { renamePort(o, one.N, one.Text) })
	case opDrop:
		err = s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { dropPort(o, one.N) })
	case opAdd:
		err = s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { addPorts(o, one.Ports) })
	case opReplace:
		err = s.edit(ctx, s.Kind, "kubectl-replace", func(o *unstructured.Unstructured) { o.Object = s.manifest().Object })
	case opScale:
		if s.Kind != "DaemonSet" {
			err = s.patch(ctx, s.Kind, "kubectl-scale", types.MergePatchType, fmt.Sprintf(`{"spec":{"replicas":%d}}`, one.N))
		}
	case opImage:
		err = s.patch(ctx, s.Kind, "kubectl-set", types.StrategicMergePatchType,
			fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":%q,"image":"example.com/server:%d"}]}}}}`, container, one.N))
	case opPause, opResume:
		value := "null"
		if one.Op == opPause {
			value = `"true"`
		}
		err = s.patch(ctx, s.Kind, "kubectl-annotate", types.MergePatchType, `{"metadata":{"annotations":{"portside.dev/paused":`+value+`}}}`)
	case opDelete:
		err = s.delete(ctx, s.Kind)
	case opDisown:
		err = s.disown(ctx, one.N)
	case opForget:
		err = s.patch(ctx, s.Kind, "forget", types.JSONPatchType, `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
	case opAdapters:
		err = s.applySet(ctx, func(spec map[string]any) {
			declared := fixture.AdapterSet(name, fixture.Adapters(one.Ports...))
			spec["adapters"], _, _ = unstructured.NestedSlice(declared.Object, "spec", "adapters")
		}, true)
	case opPolicy:
		s.reset = true
		fields := map[string]any{}
		if err := yaml.Unmarshal([]byte(one.Text), &fields); err != nil {
			return fmt.Errorf("step %s: %w", one, err)
		}
		err = s.applySet(ctx, func(spec map[string]any) {
			for field, value := range fields {
				spec[field] = value
			}
		}, s.spec != nil || one.Round == 0)
	case opRemoveSet:
		s.spec, s.reset = nil, true
		err = s.delete(ctx, "AdapterSet")
	case opService:
		err = s.write(ctx, "Service", "git", func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
			return m.ForceApply(ctx, s.serviceManifest(one.Ports))
		})
	case opRenameOfSv:
		err = s.edit(ctx, "Service", "kubectl-edit", func(o *unstructured.Unstructured) { renamePort(o, one.N, one.Text) })
	case opDeleteSv:
		err = s.delete(ctx, "Service")
	}
	if err != nil {
		return fmt.Errorf("step %q: %w", one, err)
	}
	return nil
}

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

// declare writes the target in the owner's way, and creates it if it does not exist.
func (s *site) declare(ctx context.Context) error {
	return s.write(ctx, s.Kind, s.ownerName(), func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		switch s.Style {
		case serverSide:
			return m.ForceApply(ctx, s.manifest())
		case clientSide:
			return applyClientSide(ctx, m, s.Kind, s.manifest())
		case updates:
		}
		stored, err := m.Update(ctx, s.Kind, "", name, func(o *unstructured.Unstructured) { keepAdapterPorts(o, s.manifest()) })
		for range 5 {
			if !apierrors.IsConflict(err) {
				break
			}
			stored, err = m.Update(ctx, s.Kind, "", name, func(o *unstructured.Unstructured) { keepAdapterPorts(o, s.manifest()) })
		}
		if apierrors.IsNotFound(err) {
			return m.Create(ctx, s.manifest())
		}
		return stored, err
	})
}

func (s *site) ownerName() string {
	switch s.Style {
	case clientSide:
		return testenv.KubectlClientSideApply
	case updates:
		return "operator"
	case serverSide:
	}
	return "git"
}

// manifest is the target as its owner declares it.
func (s *site) manifest() *unstructured.Unstructured {
	options := []fixture.Option{fixture.Container(container, s.declared...), fixture.Container("sidecar", "side:7000/TCP")}
	switch s.Kind {
	case "DaemonSet":
		options = append(options, fixture.Spec("template: {spec: {terminationGracePeriodSeconds: 0}}"))
		if s.Replicas == 0 { // on no node
			options = append(options, fixture.Spec(`template: {spec: {nodeSelector: {"no": node}}}`))
		}
	default:
		options = append(options, fixture.Spec(fmt.Sprintf("replicas: %d", s.Replicas)), fixture.Spec("template: {spec: {terminationGracePeriodSeconds: 0}}"))
	}
	return fixture.Workload(s.Kind, name, options...)
}

func (s *site) serviceManifest(ports []string) map[string]any {
	list := []any{}
	for _, port := range ports {
		portName, rest, _ := strings.Cut(port, ":")
		digits, proto, _ := strings.Cut(rest, "/")
		number, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			panic(fmt.Sprintf("lab: port %q: %v", port, err))
		}
		list = append(list, map[string]any{"name": portName, "port": number, "protocol": proto, "targetPort": number})
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"type": s.Service, "selector": map[string]any{"app": name}, "ports": list},
	}
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

// applySet changes the spec of the AdapterSet, and creates the AdapterSet if it is to be
// created. One that is being deleted takes no change: it is gone soon.
func (s *site) applySet(ctx context.Context, change func(spec map[string]any), create bool) error {
	if !create {
		return nil
	}
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

// keepAdapterPorts makes the target what the owner declares, but keeps its adapter ports,
// as an operator does that reads, modifies and writes.
func keepAdapterPorts(live, declared *unstructured.Unstructured) {
	ports, _, _ := unstructured.NestedSlice(containerOf(declared), "ports")
	for _, p := range portsIn(live) {
		number, proto := p["containerPort"], p["protocol"]
		if portName, _ := p["name"].(string); strings.HasPrefix(portName, "adapter-") && !slices.ContainsFunc(ports, func(other any) bool {
			o := other.(map[string]any)
			return o["containerPort"] == number && o["protocol"] == proto || o["name"] == portName
		}) {
			ports = append(ports, p)
		}
	}
	setPorts(live, ports)
}

func setPorts(object *unstructured.Unstructured, ports []any) {
	if object.GetKind() == "Service" {
		if err := unstructured.SetNestedSlice(object.Object, ports, "spec", "ports"); err != nil {
			panic(fmt.Sprintf("lab: ports of a Service: %v", err))
		}
		return
	}
	if c := containerOf(object); c != nil {
		if c["ports"] = ports; len(ports) == 0 {
			delete(c, "ports")
		}
	}
}

func renamePort(object *unstructured.Unstructured, n int, to string) {
	ports := portsIn(object)
	if len(ports) == 0 {
		return
	}
	p := ports[n%len(ports)]
	if p["name"] = to; to == "" {
		delete(p, "name")
	}
	setPorts(object, listed(ports))
}

func dropPort(object *unstructured.Unstructured, n int) {
	if ports := portsIn(object); len(ports) > 0 {
		n %= len(ports)
		setPorts(object, listed(slices.Delete(ports, n, n+1)))
	}
}

func addPorts(object *unstructured.Unstructured, more []string) {
	if containerOf(object) == nil {
		return
	}
	ports := listed(portsIn(object))
	added, _, _ := unstructured.NestedSlice(containerOf(fixture.Workload("StatefulSet", name, fixture.Container(container, more...))), "ports")
	setPorts(object, append(ports, added...))
}

func listed(ports []map[string]any) []any {
	list := make([]any, len(ports))
	for i, p := range ports {
		list[i] = p
	}
	return list
}

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("lab: %v", err))
	}
	return text
}

// answerLost notes that answers to writes may be lost in this round.
func (s *site) answerLost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncertain = true
}
