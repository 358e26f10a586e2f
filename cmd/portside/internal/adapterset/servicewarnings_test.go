package adapterset_test

import (
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

func TestServiceWarnings(t *testing.T) {
	t.Parallel()
	target := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "files"}, PodLabels: "app=files,team=storage"}
	service := func(selector string, headless bool) *workload.Workload {
		return &workload.Workload{
			Target: workload.Target{Kind: workload.Service, Namespace: "storage", Name: "files"}, Selector: selector,
			Service: &workload.ServiceSpec{Headless: headless},
		}
	}
	exposed := apply.ServicePort{Adapter: apply.Adapter{Type: "nfs", Port: 2049}}
	exposed.TargetPort.IntVal = 12049
	for name, c := range map[string]struct {
		service *workload.Workload
		want    []adapterset.ServiceWarningReason
	}{
		"it selects the pods":         {service("app=files", false), nil},
		"by a further label":          {service("team=storage", false), nil},
		"no selector":                 {service("", false), []adapterset.ServiceWarningReason{adapterset.NoSelector}},
		"other pods":                  {service("app=other", false), []adapterset.ServiceWarningReason{adapterset.SelectorMismatch}},
		"headless, with other number": {service("app=files", true), []adapterset.ServiceWarningReason{adapterset.HeadlessNumber}},
	} {
		var got []adapterset.ServiceWarningReason
		for _, w := range adapterset.ServiceWarnings(target, c.service, []apply.ServicePort{exposed}) {
			got = append(got, w.Reason)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}
