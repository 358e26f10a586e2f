package histories

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// Numbers are the port numbers of all managers.
var Numbers = []int64{7001, 7002, 7003}

// Kind is what differs between the histories of a workload and of a Service.
type Kind interface {
	// Name is that of the kind of object.
	Name() string
	// Container is the name of the container with the ports, empty for a Service.
	Container() string
	// Variants are those of the object, as Declares takes them.
	Variants() []string
	// NeedsPort reports whether the object cannot be created without a port.
	NeedsPort() bool
	// Declares returns the object as its owner declares it, and Shares what a manager
	// applies that owns ports alone. The ports are a YAML list.
	Declares(variant, ports string) *unstructured.Unstructured
	Shares(ports string) *unstructured.Unstructured
	// Port draws a port with a number and a name, which may be empty, as YAML.
	Port(r *rand.Rand, name string, number int64) string
	// fixed returns a TCP port with a number and a name, as YAML.
	fixed(name string, number int64) string
	// Step draws a step.
	Step(r *rand.Rand) Step

	// ports returns the list of ports itself, and setPorts replaces it.
	ports(object *unstructured.Unstructured) []any
	setPorts(object *unstructured.Unstructured, ports []any)
	// numberField is the field with an item's number.
	numberField() string
	// empty returns a typed object of the kind, as its schema for merge patches.
	empty() any
}

// Ports draws a YAML list of ports with unique numbers and unique names.
func Ports(r *rand.Rand, k Kind, names []string) string {
	var ports []string
	free, order := r.Perm(len(names)), r.Perm(len(Numbers))
	for i, at := range order[:r.IntN(len(Numbers)+1)] {
		ports = append(ports, k.Port(r, names[free[i]], Numbers[at]))
	}
	return "[" + strings.Join(ports, ", ") + "]"
}

// First returns the step that creates the object.
func First(r *rand.Rand, k Kind) Step {
	if k.NeedsPort() {
		return Declare{"[" + k.Port(r, "api", Numbers[0]) + "]"}
	}
	return Declare{Ports(r, k, ownerNames)}
}

var (
	ownerNames       = []string{"", "api", "nfs", "adapter-nfs"}
	contributorNames = []string{"", "", "backup", "adapter-smb"}
	editedNames      = []string{"", "edited", "adapter-nfs", "adapter-smb"}
)

// Pick draws one of the values.
func Pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// protocol draws one, mostly TCP.
func protocol(r *rand.Rand) string {
	return Pick(r, "TCP", "TCP", "TCP", "TCP", "TCP", "UDP")
}

// steps draws one of the steps of both kinds.
func steps(r *rand.Rand, k Kind, more ...func(*rand.Rand) Step) Step {
	owner := func(r *rand.Rand) Step { return Declare{Ports(r, k, ownerNames)} }
	contributor := func(r *rand.Rand) Step { return Share{Ports(r, k, contributorNames)} }
	editName := func(r *rand.Rand) Step {
		return Edit{Port: r.IntN(6), Field: "name", Value: Pick(r, editedNames...)}
	}
	all := append([]func(*rand.Rand) Step{
		owner, owner, owner, contributor, contributor, contributor, editName, editName,
		func(r *rand.Rand) Step { return ClientSideApply{Ports(r, k, ownerNames)} },
		func(r *rand.Rand) Step {
			return Operate{Ports(r, k, []string{"adapter-nfs", "adapter-smb", "adapter-ftp"})}
		},
		func(r *rand.Rand) Step {
			return Remove{Pick(r, testenv.DittoFSOperator, testenv.KubectlEdit), r.IntN(6)}
		},
		func(r *rand.Rand) Step { return EditBack{r.IntN(6)} },
		func(*rand.Rand) Step { return EmptyList{} },
		func(r *rand.Rand) Step { return Replace{Ports(r, k, ownerNames)} },
		func(*rand.Rand) Step { return Recreate{} },
		func(*rand.Rand) Step { return Reset{} },
		func(r *rand.Rand) Step { return Disown{r.IntN(4)} },
		func(r *rand.Rand) Step { return Pause{r.IntN(3) == 0} },
		func(r *rand.Rand) Step { return Misuse{r.IntN(2) == 0} },
	}, more...)
	return Pick(r, all...)(r)
}

// named returns the YAML field of a name, empty for none.
func named(name string) string {
	if name == "" {
		return ""
	}
	return "name: " + name + ", "
}

// Workloads are histories of StatefulSets: with one container, and with another one before
// it, which has ports with the same numbers and names.
var Workloads Kind = workloads{}

type workloads struct{}

func (workloads) Name() string        { return "StatefulSet" }
func (workloads) Container() string   { return Name }
func (workloads) Variants() []string  { return []string{"", ", two containers"} }
func (workloads) NeedsPort() bool     { return false }
func (workloads) numberField() string { return "containerPort" }
func (workloads) empty() any          { return &appsv1.StatefulSet{} }

func (workloads) Declares(variant, ports string) *unstructured.Unstructured {
	options := []fixture.Option{fixture.Container(Name), fixture.InContainer(Name, `{image: "dittofs:1", ports: `+ports+"}")}
	if variant != "" {
		options = slices.Insert(options, 0, fixture.Container("proxy", "api:7001/TCP", "adapter-smb:7002/TCP"))
	}
	return fixture.StatefulSet(Name, options...)
}

func (workloads) Shares(ports string) *unstructured.Unstructured {
	object := fixture.PortsOf("StatefulSet", Name, Name)
	testenv.SetPorts(object, Name, ports)
	return object
}

func (workloads) Port(r *rand.Rand, name string, number int64) string {
	host := ""
	if r.IntN(4) == 0 {
		host = fmt.Sprintf(", hostPort: %d, hostIP: 127.0.0.1", number+20000)
	}
	return fmt.Sprintf("{%scontainerPort: %d, protocol: %s%s}", named(name), number, protocol(r), host)
}

func (k workloads) Step(r *rand.Rand) Step {
	return steps(r, k, func(r *rand.Rand) Step {
		return Duplicate{Port: r.IntN(6), Name: Pick(r, editedNames...)}
	})
}

func (workloads) fixed(name string, number int64) string {
	return fmt.Sprintf("{%scontainerPort: %d, protocol: TCP}", named(name), number)
}

func (workloads) ports(object *unstructured.Unstructured) (ports []any) {
	testenv.EditContainer(object, Name, func(c map[string]any) { ports, _ = c["ports"].([]any) })
	return ports
}

func (workloads) setPorts(object *unstructured.Unstructured, ports []any) {
	testenv.EditContainer(object, Name, func(c map[string]any) { c["ports"] = ports })
}
