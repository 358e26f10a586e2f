package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply/workload"
)

// mostHolders is how many targets, and how many other namespaces, a message
// names.
const mostHolders = 3

// HeldBy returns the end of a message: the targets whose rollouts a target of this
// namespace waits for. It is empty where none are known.
//
// Everyone who may read the AdapterSet can read the message. So targets of the same
// namespace are named, and of other namespaces the namespace alone, which is enough
// for an administrator to find them.
func HeldBy(namespace string, holders []workload.Target) string {
	var own, others []string
	for _, t := range holders {
		if t.Namespace == namespace {
			own = append(own, fmt.Sprintf("%s %s", t.Kind, t.Name))
		} else {
			others = append(others, t.Namespace)
		}
	}
	slices.Sort(own)
	slices.Sort(others)
	var held []string
	if len(own) > 0 {
		held = append(held, andMore(own, mostHolders))
	}
	if len(others) > 0 {
		held = append(held, "workloads of namespace "+andMore(slices.Compact(others), mostHolders))
	}
	if len(held) == 0 {
		return ""
	}
	return "; currently these are: " + strings.Join(held, "; ")
}

// andMore lists at most so many names, and the number of the others.
func andMore(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
