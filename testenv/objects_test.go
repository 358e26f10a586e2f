package testenv_test

import (
	"fmt"

	"github.com/portside-dev/portside/testenv"
)

const (
	dittofs       = "dittofs" // the StatefulSet of these tests and its container
	portsideApply = testenv.Portside + "/Apply"

	static     = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 2049}]"
	adapterNFS = "[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"
	adapters   = "[{name: adapter-nfs, containerPort: 12049, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]"
)

// declared returns the StatefulSet as the owner of the static ports declares it, with
// a YAML list of ports.
func declared(ports string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs}
spec:
  serviceName: dittofs
  selector: {matchLabels: {app: dittofs}}
  template:
    metadata: {labels: {app: dittofs}}
    spec:
      containers:
      - name: dittofs
        image: dittofs:1
        ports: %s
`, ports)
}

func scenario(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Name: dittofs, Container: dittofs, Steps: steps}
}

// argoCD is an apply of the StatefulSet with these ports by Argo CD.
func argoCD(ports string) testenv.Apply {
	return testenv.Apply{Manager: testenv.ArgoCD, Object: declared(ports)}
}

// applyContainer is an apply of one container of the StatefulSet by portside.
func applyContainer(container string) testenv.Apply {
	return testenv.Apply{Manager: testenv.Portside, Object: fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dittofs}
spec: {template: {spec: {containers: [%s]}}}
`, container)}
}

// applyPorts is an apply of ports of the container by portside.
func applyPorts(ports string) testenv.Apply {
	return applyContainer("{name: dittofs, ports: " + ports + "}")
}

func refused(apply testenv.Apply, by *testenv.Refusal) testenv.Apply {
	apply.Refused = by
	return apply
}
