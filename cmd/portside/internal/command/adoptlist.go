package command

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/pager"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// survey is what a look at many workloads found for an adoption.
type survey struct {
	// seen is how many workloads there are.
	seen int
	// jobs are those that have something to take over, kind by kind and each by
	// namespace and name, as the server lists them.
	jobs []adoption
	// owners are the managers that own something in the containers.
	owners containerOwners
	// others own adapter ports and were not named; sorted, each once.
	others []string
}

// adoption is a workload and the containers of it that have something to take
// over. It has an error where that could not be told.
type adoption struct {
	target     workload.Target
	containers []string
	err        error
}

// survey lists the workloads page by page, and keeps of each page what there is
// to do: the objects of a cluster would take much more.
func (a *adoptCommand) survey(ctx context.Context, client appsclient.AppsV1Interface, applier *apply.Applier, namespace string) (*survey, error) {
	s := &survey{owners: newContainerOwners()}
	for _, d := range workload.Definitions() {
		list := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return workload.List(ctx, client, d, namespace, o)
		})
		list.PageSize = a.chunkSize
		err := list.EachListItem(ctx, metav1.ListOptions{LabelSelector: a.selector}, func(item runtime.Object) error {
			object, ok := item.(workload.Object)
			if !ok {
				return fmt.Errorf("a list of %s has a %T", d.Resource, item)
			}
			w, err := d.Workload(object)
			if err != nil {
				return err
			}
			s.look(a, applier, w)
			return nil
		})
		if err != nil {
			return nil, &exitError{code: codeOf(err), what: "cannot list " + d.Resource, err: err}
		}
	}
	slices.Sort(s.others)
	s.others = slices.Compact(s.others)
	return s, nil
}

func (s *survey) look(a *adoptCommand, applier *apply.Applier, w *workload.Workload) {
	s.seen++
	var containers []string
	observed, err := applier.Observe(w)
	if err == nil {
		containers, err = observed.Adoptable(a.from...), s.owners.add(w, a.theContainer)
	}
	if a.theContainer != "" {
		containers = slices.DeleteFunc(containers, func(name string) bool { return name != a.theContainer })
	}
	if len(containers) > 0 || err != nil {
		s.jobs = append(s.jobs, adoption{target: w.Target, containers: containers, err: err})
	}
	for _, owner := range adapterPortOwners(w) {
		if owner != a.manager && !slices.Contains(a.from, owner) {
			s.others = append(s.others, owner)
		}
	}
}
