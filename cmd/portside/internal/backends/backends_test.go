package backends_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/backends"
)

func read[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const (
	service = `{spec: {ports: [{name: nfs, port: 2049, protocol: TCP, targetPort: adapter-nfs}]}}`
	// old and changed declare adapter-nfs with different numbers, other does not declare it,
	// and starting is not ready.
	pods = `items:
- {metadata: {name: old}, spec: {containers: [{name: side}, {name: server, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}, status: {conditions: [{type: Ready, status: "True"}]}}
- {metadata: {name: changed}, spec: {containers: [{name: server, ports: [{name: adapter-nfs, containerPort: 13049, protocol: TCP}]}]}, status: {conditions: [{type: Ready, status: "True"}]}}
- {metadata: {name: other}, spec: {containers: [{name: server, ports: [{name: adapter-nfs, containerPort: 12049, protocol: UDP}]}]}, status: {conditions: [{type: Ready, status: "True"}]}}
- {metadata: {name: starting}, spec: {containers: [{name: server}]}, status: {conditions: [{type: Ready, status: "False"}]}}
`
	// endpointSlices list old in both families.
	endpointSlices = `items:
- {addressType: IPv4, ports: [{name: nfs, port: 12049, protocol: TCP}], endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: old}}]}
- {addressType: IPv6, ports: [{name: nfs, port: 12049, protocol: TCP}], endpoints: [{addresses: ["fd00::1"], targetRef: {kind: Pod, name: old}}]}
- {addressType: IPv4, ports: [{name: nfs, port: 13049, protocol: TCP}, {name: else, port: 1, protocol: TCP}], endpoints: [{addresses: [10.0.0.2], targetRef: {kind: Pod, name: changed}}, {addresses: [10.0.0.9], conditions: {ready: false}, targetRef: {kind: Pod, name: starting}}]}
`
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		service, slices, pods string
		want                  string
	}{
		"pods that differ": {service, endpointSlices, pods, "nfs server/adapter-nfs 12049 old; nfs server/adapter-nfs 13049 changed; nfs / 0 other"},
		"without pods":     {service, endpointSlices, "", "nfs / 12049 old; nfs / 13049 changed"},
		"without EndpointSlices": {service, "", pods,
			"nfs server/adapter-nfs 12049 old; nfs server/adapter-nfs 13049 changed; nfs / 0 other"},
		"a numeric target port without EndpointSlices": {"{spec: {ports: [{port: 80, targetPort: 12049}, {port: 12049}]}}", "", pods,
			" server/adapter-nfs 12049 old;  / 12049 changed other;  server/adapter-nfs 12049 old;  / 12049 changed other"},
		"no endpoint":              {service, "items: []", "items: []", "nfs / 0 "},
		"nothing that can be read": {service, "", "", ""},
		"endpoints that are no pods": {service, `items: [{addressType: IPv4, ports: [{name: nfs, port: 1}], endpoints: [{addresses: [192.0.2.7]}]}]`, "items: []",
			"nfs / 1 [192.0.2.7]"},
		"a port that no container declares": {"{spec: {ports: [{port: 80, targetPort: 99}]}}",
			`items: [{addressType: IPv4, ports: [{port: 99, protocol: TCP}], endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: old}}]}]`,
			"items: [{metadata: {name: old}, spec: {containers: [{name: server}]}}]", " / 99 old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := backends.Read{}
			if test.slices != "" {
				list := read[discoveryv1.EndpointSliceList](t, test.slices)
				r.Slices = &list
			}
			if test.pods != "" {
				list := read[corev1.PodList](t, test.pods)
				r.Pods = &list
			}
			s := read[corev1.Service](t, test.service)
			var got []string
			for _, b := range backends.Of(&s, r) {
				got = append(got, fmt.Sprintf("%s %s/%s %d %s", b.Port.Name, b.Container, b.Name, b.Number, strings.Join(b.Pods, " ")))
			}
			if text := strings.Join(got, "; "); text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}
