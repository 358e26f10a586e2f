package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// MaxBodyBytes is the longest list that is read, in bytes. A list of
// [apply.MaxAdapters] adapters is about 16 KiB.
const MaxBodyBytes = 128 << 10

// The fields of an element that are read.
const (
	fieldType     = "type"
	fieldPort     = "port"
	fieldProtocol = "protocol"
	fieldEnabled  = "enabled"
	fieldRunning  = "running"
)

// Listed is an adapter in the list of a server.
type Listed struct {
	apply.Adapter
	// Enabled is the server's configuration, Running the state of the listener.
	Enabled, Running bool
}

// Active reports whether the adapter is active.
func (l Listed) Active() bool { return l.Enabled && l.Running }

// Active returns the active adapters of a list, in its order. The result is
// not nil.
func Active(list []Listed) []apply.Adapter { return filter(list, true) }

// Inactive returns the other adapters of a list, in its order.
func Inactive(list []Listed) []apply.Adapter { return filter(list, false) }

func filter(list []Listed, active bool) []apply.Adapter {
	adapters := []apply.Adapter{}
	for _, l := range list {
		if l.Active() == active {
			adapters = append(adapters, l.Adapter)
		}
	}
	return adapters
}

// ReadAdapters reads a list of adapters or, with a program, an answer that it maps to
// one. Errors begin with the name of what is read. The result for an empty list is not
// nil; with an error it is nil.
func ReadAdapters(ctx context.Context, name string, r io.Reader, program *expression.Program) ([]Listed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(ctx, name, data, program)
}

// Parse parses what [ReadAdapters] reads. It may write to the spare capacity of the
// data.
func Parse(ctx context.Context, name string, data []byte, program *expression.Program) ([]Listed, error) {
	parse := parseList
	if program != nil {
		parse = func(data []byte) ([]Listed, error) { return mapAnswer(ctx, data, program) }
	}
	adapters, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; nothing of it is used", name, err)
	}
	return adapters, nil
}

// parseList stops at the first element too many, so that its cost does not grow with
// their number.
func parseList(data []byte) ([]Listed, error) {
	if err := list.check(data); err != nil {
		return nil, err
	}
	adapters := []Listed{}
	for s := (scanner{data: data, at: bytes.IndexByte(data, '[')}); s.more(); {
		number := len(adapters)
		if discovery.TooMany(number + 1) {
			return nil, errTooMany
		}
		element := newElement(s.item())
		adapter, offset, err := element.adapter(false)
		if err != nil {
			return nil, fmt.Errorf("element %d%s, at %s: %w", number, element.label(), position(data, offset), err)
		}
		adapters = append(adapters, adapter)
	}
	return adapters, nil
}

var errTooMany = fmt.Errorf("has more than %d adapters: check that it is the list of one server", apply.MaxAdapters)

// mappingError is why an expression makes no list of adapters of an answer.
type mappingError struct{ error }

// Unwrap returns the cause.
func (e mappingError) Unwrap() error { return e.error }

// mapAnswer returns what an expression makes of an answer. Of identical adapters it
// keeps the first: each node of a cluster may list those of all nodes.
func mapAnswer(ctx context.Context, data []byte, program *expression.Program) ([]Listed, error) {
	if err := answer.check(data); err != nil {
		return nil, err
	}
	mapped, err := program.Evaluate(ctx, data, fieldType, fieldPort, fieldProtocol, fieldEnabled, fieldRunning)
	if err != nil {
		return nil, mappingError{fmt.Errorf("cannot be mapped by spec.discovery.http.expression: %w", err)}
	}
	adapters, number := []Listed{}, 0
	for s := (scanner{data: mapped}); s.more(); number++ {
		element := newElement(s.item())
		adapter, _, err := element.adapter(true)
		if err != nil {
			return nil, mappingError{fmt.Errorf("element %d%s of what spec.discovery.http.expression makes of it: %w", number, element.label(), err)}
		}
		if slices.ContainsFunc(adapters, adapter.same) {
			continue
		}
		if adapters = append(adapters, adapter); discovery.TooMany(len(adapters)) {
			return nil, mappingError{errTooMany}
		}
	}
	return adapters, nil
}

// same reports whether two elements are about one adapter in one state.
func (l Listed) same(other Listed) bool {
	return l.Normal() == other.Normal() && l.Enabled == other.Enabled && l.Running == other.Running
}
