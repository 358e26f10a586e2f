package apply

import (
	"fmt"
	"strings"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// AdoptOption changes what [Applier.Adopt] takes.
type AdoptOption func(*adoptOptions)

type adoptOptions struct{ gone bool }

// WithGoneManagers has Adopt take ports from Apply entries as well. The default is
// to refuse that. Use it when nothing applies under the managers' names any more,
// which Adopt cannot see.
func WithGoneManagers() AdoptOption { return func(o *adoptOptions) { o.gone = true } }

// LiveManagerError reports an adoption from a manager that applies the ports.
// Nothing was written.
type LiveManagerError struct {
	Target  workload.Target
	Manager fieldmanager.Manager
	// Ports are those that the manager applies and Adopt would take.
	Ports []port.Port
}

// Error names the manager and its ports, the reason, and the way out.
func (e *LiveManagerError) Error() string {
	ports := make([]string, len(e.Ports))
	for i, p := range e.Ports {
		ports[i] = p.String()
	}
	those := "that port"
	if len(ports) > 1 {
		those = "those ports"
	}
	return fmt.Sprintf("%s: cannot adopt from %s: it declares %s, so the API server would refuse its next apply; rename or remove %s in its manifest",
		e.Target, e.Manager, strings.Join(ports, ", "), those)
}
