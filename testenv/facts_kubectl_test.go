package testenv_test

import (
	"context"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
)

// run is a step that runs the real kubectl.
func run(stdin string, args ...string) testenv.Do {
	return testenv.Do{What: "kubectl " + strings.Join(args, " "), Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
		_, err := cp.Kubectl(ctx, ns, stdin, args...)
		return err
	}}
}

func TestFact10_KubectlMergesPortsByNumber(t *testing.T) {
	t.Parallel()
	const ourTCP = "[{name: adapter-nfs, containerPort: 2049, protocol: TCP}]"
	t.Run("kubectl apply of the other protocol replaces ours", func(t *testing.T) {
		t.Parallel()
		facts(
			run(declared("[{name: api, containerPort: 8080}]"), "apply", "--filename=-"),
			us(shared(ourTCP)),
			testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:2049/TCP"}},
			run(declared("[{name: api, containerPort: 8080}, {name: nfs-udp, containerPort: 2049, protocol: UDP}]"), "apply", "--filename=-"),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs-udp:2049/UDP"},
				Owners: map[string][]string{"2049/TCP": {}, "2049/UDP": {testenv.KubectlClientSideApply + "/Update"}, "": {testenv.KubectlClientSideApply + "/Update", portsideApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("kubectl apply of another number keeps ours", func(t *testing.T) {
		t.Parallel()
		facts(
			run(declared("[{name: api, containerPort: 8080}]"), "apply", "--filename=-"),
			us(shared(ourTCP)),
			run(declared("[{name: api, containerPort: 8080}, {name: metrics, containerPort: 9090}]"), "apply", "--filename=-"),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:2049/TCP"},
				Owners: map[string][]string{"2049/TCP": {portsideApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("kubectl replace removes ours and leaves us the container's key", func(t *testing.T) {
		t.Parallel()
		replacement, err := yaml.YAMLToJSON([]byte(declared("[{name: api, containerPort: 8080}]")))
		if err != nil {
			t.Fatal(err)
		}
		facts(
			run(declared("[{name: api, containerPort: 8080}]"), "create", "--filename=-"),
			us(shared(adapters)),
			run(string(replacement), "replace", "--filename=-"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP"}},
			testenv.Do{What: "our entry is the container's key", Func: checkEntry(isExactly(
				`.spec.template.spec.containers[name="dittofs"]`,
				`.spec.template.spec.containers[name="dittofs"].name`,
			))},
		).Run(t, testenv.Shared(t))
	})
}
