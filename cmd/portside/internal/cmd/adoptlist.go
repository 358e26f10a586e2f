package cmd

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

// survey is what there is to adopt in a namespace, or in all.
type survey struct {
	// workloads is how many were listed.
	workloads int
	// jobs are those that have something to adopt, kind by kind and each by namespace
	// and name, as the server lists them.
	jobs []job
	// owners own something in their containers.
	owners ownersOf
}

// job is a workload and its containers that have something to adopt. It has an error
// if that is not known.
type job struct {
	target     workload.Target
	containers []string
	err        error
}

// survey lists the workloads page by page, and keeps of each page what there is to
// do: the objects of a cluster would take much more memory.
func (a *adoption) survey(ctx context.Context, writer *cli.Writer) (*survey, error) {
	client, err := a.AppsClient()
	if err != nil {
		return nil, err
	}
	namespace, _, err := a.Namespace()
	if err != nil {
		return nil, err
	}
	if a.allNamespaces {
		namespace = metav1.NamespaceAll
	}
	s := &survey{owners: newOwnersOf()}
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
			containers, err := writer.Adoptable(w, a.from...)
			if a.container != "" {
				containers = slices.DeleteFunc(containers, func(name string) bool { return name != a.container })
			}
			if err == nil {
				err = s.owners.add(w, a.container)
			}
			if len(containers) > 0 || err != nil {
				s.jobs = append(s.jobs, job{w.Target, containers, err})
			}
			s.workloads++
			return nil
		})
		if err != nil {
			return nil, cli.Failed(cli.CodeOf(err), "cannot list "+d.Resource, err)
		}
	}
	return s, nil
}
