package facts_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// files is the name of the StatefulSet, its container and the Service.
const files = "files"

// The managers of these tests. The owner declares the whole object, the contributor a
// part of its ports, and so does a third manager.
const (
	owner       = "owner"
	contributor = "contributor"
	third       = "third"
	operator    = "operator" // reads, modifies and updates
)

// The managers as owners of fields.
const (
	ownerApply       = owner + "/Apply"
	contributorApply = contributor + "/Apply"
	thirdApply       = third + "/Apply"
	operatorUpdate   = operator + "/Update"
	editUpdate       = testenv.KubectlEdit + "/Update"
)

// declared returns the StatefulSet as its owner declares it, with a YAML list of
// ports.
func declared(ports string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files}
spec:
  replicas: 0
  serviceName: files
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec:
      containers:
      - name: files
        image: files:1
        ports: %s
`, ports)
}

// running returns the declared StatefulSet with one replica.
func running(object string) string { return strings.Replace(object, "replicas: 0", "replicas: 1", 1) }

// shared returns the configuration of a manager that owns the container's key and
// ports in it.
func shared(ports string) string { return body("", "{name: files, ports: "+ports+"}") }

// body returns the configuration of a manager that owns fields of one container. more
// goes into metadata.
func body(more, container string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files%s}
spec: {template: {spec: {containers: [%s]}}}
`, more, container)
}

const metadataOnly = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files}
`

const (
	static   = "[{name: api, containerPort: 8080}, {name: nfs, containerPort: 2049}]"
	extraNFS = "[{name: extra-nfs, containerPort: 12049, protocol: TCP}]"
	extras   = "[{name: extra-nfs, containerPort: 12049, protocol: TCP}, {name: extra-smb, containerPort: 1445, protocol: TCP}]"
)

func scenario(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Name: files, Container: files, Steps: steps}
}

// declare is the owner's apply of the StatefulSet with these ports.
func declare(ports string) testenv.Apply {
	return testenv.Apply{Manager: owner, Object: declared(ports)}
}

// contribute is an apply of the contributor.
func contribute(object string) testenv.Apply {
	return testenv.Apply{Manager: contributor, Object: object}
}

func refused(apply testenv.Apply, by *testenv.Refusal) testenv.Apply {
	apply.Refused = by
	return apply
}

func forced(apply testenv.Apply) testenv.Apply {
	apply.Force = true
	return apply
}

// by is the same apply by another manager.
func by(manager string, apply testenv.Apply) testenv.Apply {
	apply.Manager = manager
	return apply
}

func edit(manager string, mutate func(*unstructured.Unstructured)) testenv.Update {
	return testenv.Update{Manager: manager, Mutate: mutate}
}

// editPorts replaces the ports of the container by an Update.
func editPorts(manager, ports string) testenv.Update {
	return edit(manager, func(u *unstructured.Unstructured) { testenv.SetPorts(u, files, ports) })
}

// nextSecond waits until the next second begins: managedFields record the time of a
// write in seconds.
func nextSecond() testenv.Do {
	return testenv.Do{What: "the next second", Func: func(ctx context.Context, _ *testenv.ControlPlane, _ string) error {
		now := time.Now()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(now.Truncate(time.Second).Add(time.Second))):
			return nil
		}
	}}
}
