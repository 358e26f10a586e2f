// Package remedy words what package apply reports for people who use portside.
// The library states what is so, with a typed reason; this package adds what to
// do about it: a portside command with its flags, or a field of the AdapterSet.
package remedy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// For is what a remedy is for.
type For struct {
	Target workload.Target
	// Container is the one that the user or the AdapterSet named, if any.
	Container    string
	FieldManager string
}

// Result returns the result with the messages of its ports and warnings worded.
func (f For) Result(r apply.Result) apply.Result {
	r.Ports, r.Warnings = f.Ports(r.Ports), f.Warnings(r.Warnings)
	return r
}

// Ports returns the ports with their messages worded.
func (f For) Ports(ports []apply.PortStatus) []apply.PortStatus {
	ports = slices.Clone(ports)
	for i := range ports {
		ports[i].Message += f.ofPort(ports[i])
	}
	return ports
}

func (f For) ofPort(p apply.PortStatus) string {
	var from []string
	if p.Blocker != nil {
		from = p.Blocker.AdoptFrom
	}
	switch {
	case p.Reason == port.ReasonHostNetworkNotAllowed:
		return fmt.Sprintf("; to allow it, set spec.hostNetwork: Allow in the AdapterSet and the annotation %s: \"true\" on the workload", workload.AllowHostNetworkAnnotation)
	case p.Reason == port.ReasonUnnamedPort:
		return `, such as "name: main"`
	case len(from) == 0:
		return ""
	case p.Reason == port.ReasonDuplicateKey:
		return "; run " + f.adopt(from)
	case p.Reason != port.ReasonNameTaken && p.Reason != port.ReasonFieldTaken:
		return ""
	case slices.Equal(from, []string{fieldmanager.BeforeFirstApply}): // nothing writes under that name
		return "; or run " + f.adopt(from)
	}
	return fmt.Sprintf("; or, if %s no longer writes ports, run %s", strings.Join(from, ", "), f.adopt(from))
}

// Warnings returns the warnings with their messages worded.
func (f For) Warnings(warnings []advice.Warning) []advice.Warning {
	warnings = slices.Clone(warnings)
	for i := range warnings {
		w := &warnings[i]
		switch w.Reason {
		case advice.CannotRenumber:
			w.Message += ", or suspend the AdapterSet and run " + f.Release()
		case advice.WritesToo:
			w.Message += ": run " + f.adopt([]string{w.Manager.Name})
		case advice.MergesByNumber, advice.InLastApplied, advice.ReplacesAll:
		}
	}
	return warnings
}

// Error returns the error worded. Other errors are returned as they are, and so
// is nil.
func (f For) Error(err error) error {
	var (
		notDedicated *apply.NotDedicatedError
		live         *apply.LiveManagerError
		empty        *apply.EmptyListError
	)
	switch {
	case errors.As(err, &notDedicated):
		return fmt.Errorf("%w (--field-manager)", err)
	case errors.As(err, &live):
		return fmt.Errorf("%w; or, if nothing applies as %s any more, run %s", err, live.Manager.Name,
			f.command("adopt", "--from", live.Manager.Name, "--manager-is-gone"))
	case errors.As(err, &empty):
		cause := empty.Unwrap()
		if conflict := fieldmanager.Conflicts(cause); conflict != nil {
			cause = conflict // on one line
		}
		return fmt.Errorf("%s; run %s: %w", empty.Cause(), f.adopt(fieldmanager.Names(empty.Managers)), cause)
	}
	return err
}

// Release returns the command that gives the target up and leaves its ports.
func (f For) Release() string { return f.command("release", "--keep-ports") }

func (f For) adopt(from []string) string {
	return f.command("adopt", "--from", strings.Join(from, ","))
}

// command is a portside command for the target. It has the flags without which it
// would be about another container or field manager.
func (f For) command(verb string, args ...string) string {
	words := []string{"portside", verb, "-n", f.Target.Namespace, strings.ToLower(f.Target.Kind.Kind) + "/" + f.Target.Name}
	if f.Container != "" && verb == "adopt" {
		words = append(words, "-c", f.Container)
	}
	words = append(words, args...)
	if f.FieldManager != apply.DefaultFieldManager {
		words = append(words, "--field-manager", f.FieldManager)
	}
	for i, word := range words {
		words[i] = quoted(word)
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// quoted returns a word as a shell reads it: the name of a field manager is
// whatever its owner called it.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
