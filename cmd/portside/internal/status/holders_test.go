package status_test

import (
	"fmt"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

func TestHeldBy(t *testing.T) {
	t.Parallel()
	in := func(namespace string, names ...string) (targets []workload.Target) {
		for _, name := range names {
			targets = append(targets, workload.Target{Kind: workload.Deployment, Namespace: namespace, Name: name})
		}
		return targets
	}
	var crowd []workload.Target
	for i := range 20 {
		crowd = append(crowd, in(fmt.Sprintf("team-%02d", i%10), "secret")...)
		crowd = append(crowd, in("ours", fmt.Sprintf("files-%02d", i))...)
	}
	for name, c := range map[string]struct {
		holders []workload.Target
		want    string
	}{
		"none":                  {nil, ""},
		"the same in any order": {in("ours", "b", "a"), "; currently these are: Deployment a, Deployment b"},
		"names no workload of another namespace": {
			append(in("theirs", "secret", "secret-2"), in("ours", "a")...),
			"; currently these are: Deployment a; workloads of namespace theirs",
		},
		"a bounded number": {crowd, "; currently these are: Deployment files-00, Deployment files-01, Deployment files-02 and 17 more; " +
			"workloads of namespace team-00, team-01, team-02 and 7 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := status.HeldBy("ours", c.holders); got != c.want {
				t.Errorf("%q\nnot %q", got, c.want)
			}
		})
	}
}
