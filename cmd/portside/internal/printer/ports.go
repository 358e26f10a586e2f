package printer

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
)

// number writes the key of a port: "12049/TCP". A protocol that a source made up is
// truncated.
func number[N int32 | int64](n N, protocol corev1.Protocol) string {
	return fmt.Sprintf("%d/%.10s", n, protocol)
}

// PortState writes a port and its state: "adapter-nfs 12049/TCP is Blocked".
func PortState(p apply.PortStatus) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s is %s", p.Name, number(p.Port, p.Protocol), p.State))
}

// ContainerPort writes a port with all its fields: "adapter-nfs 12049/TCP
// hostPort=2049".
func ContainerPort(p corev1.ContainerPort) string {
	text := orNone(p.Name) + " " + number(p.ContainerPort, p.Protocol)
	if p.HostPort != 0 {
		text += fmt.Sprintf(" hostPort=%d", p.HostPort)
	}
	if p.HostIP != "" {
		text += " hostIP=" + p.HostIP
	}
	return text
}

// ServicePort writes a port of a Service with all its fields: "adapter-nfs 2049/TCP
// targetPort=12049 nodePort=32049".
func ServicePort(p corev1.ServicePort) string {
	text := orNone(p.Name) + " " + number(p.Port, p.Protocol)
	if p.TargetPort != (intstr.IntOrString{}) {
		text += " targetPort=" + p.TargetPort.String()
	}
	if p.NodePort != 0 {
		text += fmt.Sprintf(" nodePort=%d", p.NodePort)
	}
	if p.AppProtocol != nil {
		text += " appProtocol=" + *p.AppProtocol
	}
	return text
}

// edit is what happens to a port between two lists.
type edit byte

// The edits, as a diff marks them.
const (
	kept    edit = ' '
	removed edit = '-'
	added   edit = '+'
)

// step is one port of a comparison, as text.
type step struct {
	edit edit
	port string
}

// compare returns the ports of both lists, in order. A port that changes its place
// is removed and added.
func compare(before, after []string) []step {
	common := common(before, after)
	var steps []step
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			steps = append(steps, step{kept, before[i]})
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			steps = append(steps, step{removed, before[i]})
			i++
		default:
			steps = append(steps, step{added, after[j]})
			j++
		}
	}
	return steps
}

// changed reports whether a comparison found a difference.
func changed(steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return s.edit != kept })
}

// common returns the length of the longest common subsequence of a from i and b
// from j on, by i and j.
func common(a, b []string) [][]int {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	return length
}
