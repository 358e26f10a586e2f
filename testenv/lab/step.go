package main

import (
	"fmt"
	"strings"
)

// op is what a step does.
type op string

// The steps of the workload's owner and of other users, of the AdapterSet, and of the
// Service.
const (
	opDeclare    op = "the owner declares"
	opShare      op = "team applies without force"
	opRename     op = "kubectl edit renames port"
	opDrop       op = "kubectl edit removes port"
	opAdd        op = "kubectl edit adds"
	opReplace    op = "kubectl replace writes the owner's manifest"
	opScale      op = "kubectl scale sets replicas"
	opImage      op = "kubectl set image sets version"
	opPause      op = "kubectl annotate pauses the target"
	opResume     op = "kubectl annotate resumes the target"
	opDelete     op = "kubectl delete deletes the target"
	opRecreate   op = "kubectl deletes the target, and its owner creates it again with"
	opDisown     op = "the managedFields entry of a manager other than portside is lost, number"
	opForget     op = "all managedFields are emptied"
	opAdapters   op = "the AdapterSet declares"
	opPolicy     op = "the AdapterSet sets"
	opRemoveSet  op = "kubectl delete deletes the AdapterSet"
	opService    op = "the owner declares the Service with"
	opRenameOfSv op = "kubectl edit renames the Service's port"
	opDeleteSv   op = "kubectl delete deletes the Service"
	opPauseSv    op = "kubectl annotate pauses the Service"
	opResumeSv   op = "kubectl annotate resumes the Service"
)

// step is a step of a history, as data. A step that is not possible when it is played,
// such as the edit of a missing target, does nothing: so a history without some of its
// steps is a history as well.
type step struct {
	Round int
	Op    op
	Ports []string // as fixture.Container takes them; adapters as fixture.Adapters does
	N     int      // an index, a number of replicas or a version
	Text  string   // the new name of a port, or YAML fields of the AdapterSet's spec
}

func (s step) String() string {
	switch s.Op {
	case opDeclare, opShare, opAdd, opRecreate, opAdapters, opService:
		ports := strings.Join(s.Ports, ", ")
		if ports == "" {
			ports = "no ports"
		}
		return fmt.Sprintf("%s %s", s.Op, ports)
	case opRename, opRenameOfSv:
		return fmt.Sprintf("%s %d to %q", s.Op, s.N, s.Text)
	case opDrop, opScale, opImage, opDisown:
		return fmt.Sprintf("%s %d", s.Op, s.N)
	case opPolicy:
		return fmt.Sprintf("%s %s", s.Op, s.Text)
	case opReplace, opPause, opResume, opDelete, opForget, opRemoveSet, opDeleteSv, opPauseSv, opResumeSv:
	}
	return string(s.Op)
}

// ownerStyle is how the owner of a history writes its target.
type ownerStyle string

const (
	serverSide ownerStyle = "server-side apply with force"
	clientSide ownerStyle = "client-side apply"
	updates    ownerStyle = "Update" // reads, modifies and writes, and keeps adapter-* ports
)

// history is the input of a random history.
type history struct {
	Seed     uint64
	Index    int
	Kind     string // of the target
	Style    ownerStyle
	Replicas int    // of the target at first
	Service  string // the type of the Service; empty without one
	Steps    []step
}

// describe returns the history as a scenario, a step a line, with the index of each step
// in brackets. Only the steps with these indices are listed, all without any.
func (h *history) describe(indices []int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s with %d replicas, owner: %s", h.Kind, h.Replicas, h.Style)
	if h.Service != "" {
		fmt.Fprintf(&text, ", Service of type %s", h.Service)
	}
	last := -1
	for _, i := range indices {
		if s := h.Steps[i]; s.Round != last {
			last = s.Round
			fmt.Fprintf(&text, "\n  round %d", last)
		}
		fmt.Fprintf(&text, "\n    [%d] %s", i, h.Steps[i])
	}
	return text.String()
}

// all returns the indices of all steps.
func (h *history) all() []int {
	indices := make([]int, len(h.Steps))
	for i := range indices {
		indices[i] = i
	}
	return indices
}
