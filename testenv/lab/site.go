package main

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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
	// unseen reports that the AdapterSet was deleted while it was suspended or the Service
	// was paused, or in a round in which the replica that leads was started, so that it may
	// not know of the deletion: what it left behind stays.
	unseen        bool
	pausedService bool

	// quiet is what the last quiet period ended with.
	quiet state
}

// state are the objects of a site as they are stored, nil where there are none.
type state struct{ target, set, service *unstructured.Unstructured }

// play plays a step. It returns an error only if the step could not be played; a request
// that the API server refuses has been played.
func (s *site) play(ctx context.Context, one step) (err error) {
	s.steps++
	switch one.Op {
	case opAdapters, opPolicy, opRemoveSet:
		err = s.playSet(ctx, one)
	case opService, opRenameOfSv, opDeleteSv, opPauseSv, opResumeSv:
		err = s.playService(ctx, one)
	case opDeclare, opRecreate, opShare, opDelete:
		err = s.playOwner(ctx, one)
	default:
		err = s.playPeople(ctx, one)
	}
	if err != nil {
		return fmt.Errorf("step %q: %w", one, err)
	}
	return nil
}

// playOwner plays a step of the managers that apply the target.
func (s *site) playOwner(ctx context.Context, one step) error {
	switch one.Op {
	case opShare:
		return s.share(ctx, one.Ports)
	case opDelete, opRecreate:
		if err := s.delete(ctx, s.Kind); err != nil || one.Op == opDelete {
			return err
		}
	}
	s.declared = one.Ports
	return s.declare(ctx)
}

// playPeople plays a step of people who change the target.
func (s *site) playPeople(ctx context.Context, one step) error {
	switch one.Op {
	case opRename:
		return s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { renamePort(o, one.N, one.Text) })
	case opDrop:
		return s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { dropPort(o, one.N) })
	case opAdd:
		return s.edit(ctx, s.Kind, "kubectl-edit", func(o *unstructured.Unstructured) { addPorts(o, one.Ports) })
	case opReplace:
		return s.edit(ctx, s.Kind, "kubectl-replace", func(o *unstructured.Unstructured) { o.Object = s.manifest().Object })
	case opScale:
		if s.Kind == "DaemonSet" {
			return nil
		}
		return s.patch(ctx, s.Kind, "kubectl-scale", types.MergePatchType, fmt.Sprintf(`{"spec":{"replicas":%d}}`, one.N))
	case opImage:
		return s.patch(ctx, s.Kind, "kubectl-set", types.StrategicMergePatchType,
			fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":%q,"image":"example.com/server:%d"}]}}}}`, container, one.N))
	case opPause:
		return s.pause(ctx, s.Kind, `"true"`)
	case opResume:
		return s.pause(ctx, s.Kind, "null")
	case opDisown:
		return s.disown(ctx, one.N)
	case opForget:
		return s.patch(ctx, s.Kind, "forget", types.JSONPatchType, `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`)
	}
	return fmt.Errorf("unknown step %q", one.Op)
}

// pause sets the annotation that pauses an object to a JSON value.
func (s *site) pause(ctx context.Context, kind, value string) error {
	return s.patch(ctx, kind, "kubectl-annotate", types.MergePatchType, `{"metadata":{"annotations":{"portside.dev/paused":`+value+`}}}`)
}

// playSet plays a step of the AdapterSet.
func (s *site) playSet(ctx context.Context, one step) error {
	switch one.Op {
	case opAdapters:
		return s.applySet(ctx, func(spec map[string]any) {
			declared := fixture.AdapterSet(name, fixture.Adapters(one.Ports...))
			spec["adapters"], _, _ = unstructured.NestedSlice(declared.Object, "spec", "adapters")
		})
	case opRemoveSet:
		s.unseen = s.unseen || s.pausedService || s.spec["suspend"] == true
		s.spec, s.reset = nil, true
		return s.delete(ctx, "AdapterSet")
	}
	s.reset = true
	fields := map[string]any{}
	if err := yaml.Unmarshal([]byte(one.Text), &fields); err != nil {
		return err
	}
	if s.spec == nil && one.Round > 0 {
		return nil
	}
	return s.applySet(ctx, func(spec map[string]any) { maps.Copy(spec, fields) })
}

// playService plays a step of the Service.
func (s *site) playService(ctx context.Context, one step) error {
	switch one.Op {
	case opRenameOfSv:
		return s.edit(ctx, "Service", "kubectl-edit", func(o *unstructured.Unstructured) { renamePort(o, one.N, one.Text) })
	case opDeleteSv:
		s.pausedService = false
		return s.delete(ctx, "Service")
	case opPauseSv:
		s.pausedService = true
		return s.pause(ctx, "Service", `"true"`)
	case opResumeSv:
		s.pausedService = false
		return s.pause(ctx, "Service", "null")
	}
	return s.write(ctx, "Service", "git", func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		return m.ForceApply(ctx, s.serviceManifest(one.Ports))
	})
}

// answerLost notes that answers to writes may be lost in this round.
func (s *site) answerLost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncertain = true
}
