package httpapi

import (
	"bytes"
	"fmt"
	"io"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
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

// ReadAdapters reads a list of adapters. Errors begin with the name of what is
// read. The result for an empty list is not nil; with an error it is nil.
func ReadAdapters(name string, r io.Reader) ([]Listed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(name, data)
}

// Parse parses a list of adapters as [ReadAdapters] does. It may write to the spare
// capacity of the data.
func Parse(name string, data []byte) ([]Listed, error) {
	adapters, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; nothing of it is used", name, err)
	}
	return adapters, nil
}

// parse stops at the first element too many, so that its cost does not grow with
// their number.
func parse(data []byte) ([]Listed, error) {
	if err := checkList(data); err != nil {
		return nil, err
	}
	adapters := []Listed{}
	for s := (scanner{data: data, at: bytes.IndexByte(data, '[')}); s.more(); {
		number := len(adapters)
		if discovery.TooMany(number + 1) {
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
