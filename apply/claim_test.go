package apply_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// owning checks which ports we own in a container: as name:number, or the error.
func owning(container, want string, holds bool) testenv.Do {
	return testenv.Do{What: "what is ours in " + container, Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(cp.Config())
		if err != nil {
			return err
		}
		observed, err := applier.Get(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs})
		if err != nil {
			return err
		}
		ports, err := ownPorts(applier, observed, container)
		got := ""
		for _, p := range ports {
			got += fmt.Sprintf("%s:%d ", p.Name, p.Number)
		}
		if workload.IsContainerNotFound(err) {
			got = "no container"
		} else if err != nil {
			return err
		}
		if got != want || applier.HasClaim(observed) != holds {
			return fmt.Errorf("%q, and a claim: %t", got, applier.HasClaim(observed))
		}
		return nil
	}}
}

func TestOwnPorts(t *testing.T) {
	t.Parallel()
	sidecar := wanting(nfs)
	sidecar.container = "sidecar"
	story(by(testenv.ArgoCD, twoContainers), owning("", "", false),
		sidecar.is(apply.Applied, ownedNFS), owning("", "", true), owning("sidecar", "adapter-nfs:12049 ", true), owning("other", "no container", true),
		wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB, "adapter-nfs 12049/TCP Removed"),
		owning("", "adapter-smb:1445 adapter-nfs:12049 ", true), owning("sidecar", "", true),
		// What another declares as well is ours too; what only it declares is not.
		by(alice, shares("[{name: adapter-nfs, containerPort: 12049}, {name: web, containerPort: 80}]")), owning(dittofs, "adapter-smb:1445 adapter-nfs:12049 ", true),
	).Run(t, testenv.Shared(t))
}
