package facts_test

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
	const extraTCP = "[{name: extra-nfs, containerPort: 2049, protocol: TCP}]"
	t.Run("kubectl apply of the other protocol replaces the port", func(t *testing.T) {
		t.Parallel()
		scenario(
			run(declared("[{name: api, containerPort: 8080}]"), "apply", "--filename=-"),
			contribute(shared(extraTCP)),
			testenv.Expect{Ports: []string{"api:8080/TCP", "extra-nfs:2049/TCP"}},
			run(declared("[{name: api, containerPort: 8080}, {name: nfs-udp, containerPort: 2049, protocol: UDP}]"), "apply", "--filename=-"),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs-udp:2049/UDP"},
				Owners: map[string][]string{"2049/TCP": {}, "2049/UDP": {testenv.KubectlClientSideApply + "/Update"}, "": {testenv.KubectlClientSideApply + "/Update", contributorApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("kubectl apply of another number keeps the port", func(t *testing.T) {
		t.Parallel()
		scenario(
			run(declared("[{name: api, containerPort: 8080}]"), "apply", "--filename=-"),
			contribute(shared(extraTCP)),
			run(declared("[{name: api, containerPort: 8080}, {name: metrics, containerPort: 9090}]"), "apply", "--filename=-"),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "metrics:9090/TCP", "extra-nfs:2049/TCP"},
				Owners: map[string][]string{"2049/TCP": {contributorApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("kubectl replace removes the ports and leaves the container's key", func(t *testing.T) {
		t.Parallel()
		replacement, err := yaml.YAMLToJSON([]byte(declared("[{name: api, containerPort: 8080}]")))
		if err != nil {
			t.Fatal(err)
		}
		scenario(
			run(declared("[{name: api, containerPort: 8080}]"), "create", "--filename=-"),
			contribute(shared(extras)),
			run(string(replacement), "replace", "--filename=-"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP"}},
			testenv.Do{What: "the entry is the container's key", Func: checkEntry(isExactly(
				`.spec.template.spec.containers[name="files"]`,
				`.spec.template.spec.containers[name="files"].name`,
			))},
		).Run(t, testenv.Shared(t))
	})
}
