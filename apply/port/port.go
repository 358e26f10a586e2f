package port

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Port is an item of a list of ports: of a container, or of a Service. Without a name
// it stands for an apply that leaves the name to other managers and only keeps the
// port.
type Port struct {
	Name     string
	Number   int32
	Protocol corev1.Protocol
	// TargetPort, NodePort and AppProtocol are those of a Service's port. Zero means
	// that they are not set.
	TargetPort  intstr.IntOrString
	NodePort    int32
	AppProtocol string
}

// The fields of a Service's port, as the API names them.
const (
	FieldTargetPort  = "targetPort"
	FieldNodePort    = "nodePort"
	FieldAppProtocol = "appProtocol"
)

// value returns the value of one of these fields, nil where it is not set. It panics for
// a field that a port does not have.
func (p Port) value(field string) any {
	switch {
	case field == FieldTargetPort && p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
		return p.TargetPort.StrVal
	case field == FieldTargetPort && p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0:
		return int64(p.TargetPort.IntVal)
	case field == FieldNodePort && p.NodePort != 0:
		return int64(p.NodePort)
	case field == FieldAppProtocol && p.AppProtocol != "":
		return p.AppProtocol
	case field == FieldTargetPort, field == FieldNodePort, field == FieldAppProtocol:
		return nil
	}
	panic(fmt.Sprintf("port: a port has no field %q", field))
}

// set gives a field the value that [Port.value] returns of it.
func (p *Port) set(field string, value any) {
	number, _ := value.(int64)
	text, _ := value.(string)
	switch field {
	case FieldTargetPort:
		if p.TargetPort = intstr.FromInt32(int32(number)); text != "" { //nolint:gosec // G115: a port's number
			p.TargetPort = intstr.FromString(text)
		}
	case FieldNodePort:
		p.NodePort = int32(number) //nolint:gosec // G115: a port's number
	case FieldAppProtocol:
		p.AppProtocol = text
	}
}

// Compare orders ports by number, protocol and name.
func (p Port) Compare(o Port) int {
	return cmp.Or(cmp.Compare(p.Number, o.Number), cmp.Compare(p.Protocol, o.Protocol), cmp.Compare(p.Name, o.Name))
}

// String returns name:number/PROTOCOL, followed by ->targetPort where that is set.
func (p Port) String() string {
	text := fmt.Sprintf("%s:%d/%s", p.Name, p.Number, p.Protocol)
	if p.value(FieldTargetPort) != nil {
		text += "->" + p.TargetPort.String()
	}
	return text
}
