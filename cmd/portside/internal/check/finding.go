package check

import (
	"fmt"
	"strings"
)

// State is the result of a check.
type State string

// The states.
const (
	// OK: as it should be.
	OK State = "OK"
	// Warning: portside works, or its state is not known; the message says what
	// to do.
	Warning State = "Warning"
	// Error: portside does not work as it should, or may do what it should not;
	// the message says what to do.
	Error State = "Error"
)

// Finding is the result of a check, for the objects that have the same.
type Finding struct {
	// Check is Server, Install, Policies, Permissions, Replicas, Lease,
	// AdapterSets, Workloads or Services.
	Check string `json:"check"`
	State State  `json:"state"`
	// Objects that it is about, as Kind namespace/name; empty for the cluster.
	Objects []string `json:"objects,omitempty"`
	Message string   `json:"message"`
}

// named is how many objects the text of a finding names.
const named = 3

// Text returns the objects, of many the first and the number of the others, and
// the message.
func (f Finding) Text() string {
	if len(f.Objects) == 0 {
		return f.Message
	}
	var names []string
	kind := ""
	for _, object := range f.Objects[:min(named, len(f.Objects))] {
		same, name, _ := strings.Cut(object, " ")
		if same != kind {
			kind, name = same, object
		}
		names = append(names, name)
	}
	objects := strings.Join(names, ", ")
	if more := len(f.Objects) - named; more > 0 {
		objects += fmt.Sprintf(" and %d more", more)
	}
	return objects + ": " + f.Message
}
