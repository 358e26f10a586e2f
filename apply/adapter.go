package apply

import (
	"strconv"
	"strings"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// MaxAdapters is how many adapters the list of a source may name, active or not.
// A longer list is refused whole: it is far beyond what a server has protocols for, so
// it is read as a source gone wrong.
const MaxAdapters = v1alpha1.MaxAdapters

// Adapter is a protocol listener that a workload runs: an active adapter, which
// is to have a port. An adapter that is disabled or stopped is left out of a list
// of adapters, so the zero value of no field removes a port. Nothing in it is
// validated yet: [Decide] does that, so that one invalid adapter costs its own
// port alone.
type Adapter struct {
	// Type names the protocol, such as "nfs": 1 to [v1alpha1.MaxTypeLength]
	// printable ASCII characters other than the backslash. It decides the port's
	// name.
	Type string
	// Port is the number it listens on. It is wider than a port number so
	// that what a source said can be reported as it was said.
	Port int64
	// Protocol is TCP, UDP or SCTP in any case; empty means TCP, as it does to
	// Kubernetes.
	Protocol string
	// Companion reports that this is a further port of other adapters, whose Type is
	// a name of its own. It does not count toward [MaxAdapters].
	Companion bool
}

// Normal returns the adapter with its protocol as Kubernetes writes it: in upper
// case, and TCP where it gives none.
func (a Adapter) Normal() Adapter {
	a.Protocol = string(protocolOf(a))
	return a
}

// Printable returns the adapter as it may be stored, logged and shown, whatever a
// source says: of type and protocol, characters that are not printable ASCII are
// escaped as in a Go string, and what is longer than [v1alpha1.MaxTypeLength] is
// cut and ends in three dots. An invalid type stays invalid.
func (a Adapter) Printable() Adapter {
	a.Type, a.Protocol = printable(a.Type), printable(a.Protocol)
	return a
}

func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if b.Len() > v1alpha1.MaxTypeLength {
			break
		}
		if ' ' <= r && r <= '~' {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	if b.Len() > v1alpha1.MaxTypeLength {
		return b.String()[:v1alpha1.MaxTypeLength] + "..."
	}
	return b.String()
}

// Problem returns why the adapter can have no port, whatever the workload; empty
// when it can.
func (a Adapter) Problem() string {
	if invalid := a.invalid(); invalid != nil {
		return invalid.Message
	}
	return ""
}
