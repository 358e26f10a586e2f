package cmd

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
	target     apply.Target
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
	for _, kind := range apply.Kinds {
		list := pager.New(pageOf(kind, client, namespace))
		list.PageSize = a.chunkSize
		err := list.EachListItem(ctx, metav1.ListOptions{LabelSelector: a.selector}, func(object runtime.Object) error {
			w := readWorkload(object)
			containers, err := writer.Adoptable(w, a.from...)
			if a.container != "" {
				containers = slices.DeleteFunc(containers, func(name string) bool { return name != a.container })
			}
			if err == nil {
				err = s.owners.add(w, a.container)
			}
			if len(containers) > 0 || err != nil {
				s.jobs = append(s.jobs, job{apply.Target{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}, containers, err})
			}
			s.workloads++
			return nil
		})
		if err != nil {
			return nil, cli.Failed(cli.CodeOf(err), "cannot list "+kind.Resource(), err)
		}
	}
	return s, nil
}

// pageOf lists the workloads of a kind, in a namespace or in all.
func pageOf(kind apply.Kind, client appsclient.AppsV1Interface, namespace string) pager.ListPageFunc {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		switch kind {
		case apply.StatefulSet:
			return client.StatefulSets(namespace).List(ctx, o)
		case apply.Deployment:
			return client.Deployments(namespace).List(ctx, o)
		case apply.DaemonSet:
			return client.DaemonSets(namespace).List(ctx, o)
		}
		return nil, fmt.Errorf("kind %s cannot be listed", kind)
	}
}

// readWorkload reads an item of such a list.
func readWorkload(object runtime.Object) *apply.Workload {
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		return apply.ReadStatefulSet(o)
	case *appsv1.Deployment:
		return apply.ReadDeployment(o)
	case *appsv1.DaemonSet:
		return apply.ReadDaemonSet(o)
	}
	panic(fmt.Sprintf("a list of workloads has a %T", object)) // a kind forgotten here
}
