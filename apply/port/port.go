package port

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// Port is an item of a list of ports: of a container, or of a Service. Without a name
// it stands for an apply that leaves the name to other managers and only keeps the
// port.
type Port struct {
	Name     string
	Number   int32
	Protocol corev1.Protocol
}

// Compare orders ports by number, protocol and name.
func (p Port) Compare(o Port) int {
	return cmp.Or(cmp.Compare(p.Number, o.Number), cmp.Compare(p.Protocol, o.Protocol), cmp.Compare(p.Name, o.Name))
}

// String returns name:number/PROTOCOL.
func (p Port) String() string { return fmt.Sprintf("%s:%d/%s", p.Name, p.Number, p.Protocol) }
