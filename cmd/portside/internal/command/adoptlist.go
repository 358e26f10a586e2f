package command

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/pager"

	"github.com/portside-dev/portside/apply"
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
	for _, kind := range workload.Kinds {
		list := pager.New(pageOf(kind, client, namespace))
		list.PageSize = a.chunkSize
		err := list.EachListItem(ctx, metav1.ListOptions{LabelSelector: a.selector}, func(object runtime.Object) error {
			s.look(a, applier, readWorkload(object))
			return nil
		})
		if err != nil {
			return nil, &exitError{code: codeOf(err), what: "cannot list " + kind.Resource(), err: err}
		}
	}
	slices.Sort(s.others)
	s.others = slices.Compact(s.others)
	return s, nil
}

func (s *survey) look(a *adoptCommand, applier *apply.Applier, w *workload.Workload) {
	s.seen++
	containers, err := applier.Adoptable(w, a.from...)
	if err == nil {
		err = s.owners.add(w, a.theContainer)
	}
	if a.theContainer != "" {
		containers = slices.DeleteFunc(containers, func(name string) bool { return name != a.theContainer })
	}
	if len(containers) > 0 || err != nil {
		target := workload.Target{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
		s.jobs = append(s.jobs, adoption{target: target, containers: containers, err: err})
	}
	for _, owner := range adapterPortOwners(w) {
		if owner != a.manager && !slices.Contains(a.from, owner) {
			s.others = append(s.others, owner)
		}
	}
}

// pageOf lists the workloads of a kind, in a namespace or in all.
func pageOf(kind workload.Kind, client appsclient.AppsV1Interface, namespace string) pager.ListPageFunc {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		switch kind {
		case workload.Deployment:
			return client.Deployments(namespace).List(ctx, o)
		case workload.DaemonSet:
			return client.DaemonSets(namespace).List(ctx, o)
		default:
			return client.StatefulSets(namespace).List(ctx, o)
		}
	}
}

// readWorkload reads an item of such a list.
func readWorkload(object runtime.Object) *workload.Workload {
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		return workload.ReadStatefulSet(o)
	case *appsv1.Deployment:
		return workload.ReadDeployment(o)
	case *appsv1.DaemonSet:
		return workload.ReadDaemonSet(o)
	}
	panic(fmt.Sprintf("a list of workloads has a %T", object)) // a kind forgotten here
}
