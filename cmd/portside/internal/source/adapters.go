// Package source reads which adapters a workload runs, as the workload's own
// server says it.
//
// The one source so far is the JSON list that DittoFS answers to GET
// /api/v1/adapters. Of each element it needs type, port, enabled and running,
// takes a protocol, and ignores the rest, which varies by release. A list is
// believed whole or not at all:
//
//  1. A list that cannot be read, or leaves open what was meant, is refused
//     whole. Half a list would take the ports of the other half away.
//  2. A value that is well formed and wrong (port 70000, protocol "XYZ") costs
//     that one port, which package apply reports. A type or protocol that is
//     too long, or not printable ASCII, is escaped and cut before it leaves this
//     package ([apply.Adapter.Printable]), and stays invalid.
//
// Error texts name the place and never the text found there, beyond an
// element's short type: an answer that is not the list may hold a secret.
package source

import (
	"bytes"
	"fmt"
	"io"

	"github.com/portside-dev/portside/apply"
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

// Listed is one adapter of a server's list.
type Listed struct {
	apply.Adapter
	// Enabled is the server's configuration, Running the state of the listener.
	Enabled, Running bool
}

// Active reports whether the adapter is to have a port.
func (l Listed) Active() bool { return l.Enabled && l.Running }

// Active returns the active adapters of a list, in its order. The result is
// not nil.
func Active(list []Listed) []apply.Adapter { return those(list, true) }

// Inactive returns the others, in the order of the list.
func Inactive(list []Listed) []apply.Adapter { return those(list, false) }

func those(list []Listed, active bool) []apply.Adapter {
	adapters := []apply.Adapter{}
	for _, l := range list {
		if l.Active() == active {
			adapters = append(adapters, l.Adapter)
		}
	}
	return adapters
}

// ReadAdapters reads a list of adapters. The name says in errors where the
// list came from. An empty list is an empty slice that is not nil; with an
// error the slice is nil, and nothing of the list is to be used.
func ReadAdapters(name string, r io.Reader) ([]Listed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(name, data)
}

// Parse is [ReadAdapters] of a list that was read. It may write to the data's spare
// capacity.
func Parse(name string, data []byte) ([]Listed, error) {
	adapters, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; nothing of it is used", name, err)
	}
	return adapters, nil
}

// parse stops at the first element too many, so that what it costs does not grow
// with their number.
func parse(data []byte) ([]Listed, error) {
	if err := checkList(data); err != nil {
		return nil, err
	}
	adapters := []Listed{}
	for s := (scanner{data: data, at: bytes.IndexByte(data, '[')}); s.more(); {
		number := len(adapters)
		if number == apply.MaxAdapters {
			return nil, fmt.Errorf("has more than %d adapters: check that it is the list of one server", apply.MaxAdapters)
		}
		element := newElement(s.item())
		adapter, offset, err := element.adapter()
		if err != nil {
			return nil, fmt.Errorf("element %d%s, at %s: %w", number, element.label(), position(data, offset), err)
		}
		adapters = append(adapters, adapter)
	}
	return adapters, nil
}
