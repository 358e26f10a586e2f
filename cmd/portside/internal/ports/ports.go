// Package ports writes container ports as lines and compares lists of them.
package ports

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Line writes a port with all its fields: "adapter-nfs 12049/TCP".
func Line(p corev1.ContainerPort) string {
	name := p.Name
	if name == "" {
		name = "<none>"
	}
	line := fmt.Sprintf("%s %d/%s", name, p.ContainerPort, p.Protocol)
	if p.HostPort != 0 {
		line += fmt.Sprintf(" hostPort=%d", p.HostPort)
	}
	if p.HostIP != "" {
		line += " hostIP=" + p.HostIP
	}
	return line
}

// Edit is what happens to a port between two lists.
type Edit byte

// The edits, as a diff marks them.
const (
	Stays Edit = ' '
	Goes  Edit = '-'
	Comes Edit = '+'
)

// Step is one port of a comparison. A port that changes its place goes and
// comes.
type Step struct {
	Edit Edit
	Port corev1.ContainerPort
}

// Compare makes one list of both, in order.
func Compare(before, after []corev1.ContainerPort) []Step {
	common := common(before, after)
	var steps []Step
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			steps = append(steps, Step{Stays, before[i]})
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			steps = append(steps, Step{Goes, before[i]})
			i++
		default:
			steps = append(steps, Step{Comes, after[j]})
			j++
		}
	}
	return steps
}

// Changed reports whether a comparison found a difference.
func Changed(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Edit != Stays })
}

// common is the length of the longest common subsequence of what is left from
// i in a and from j in b.
func common(a, b []corev1.ContainerPort) [][]int {
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
