package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

// workloads returns the workloads that exist, and whether the field manager has
// an entry in their managedFields. Only their metadata is read.
func (c *checker) workloads(ctx context.Context) (map[workload.Target]bool, error) {
	all := map[workload.Target]bool{}
	for _, d := range workload.Definitions() {
		resource := d.GroupVersion().WithResource(d.Resource)
		for options := (metav1.ListOptions{Limit: page}); ; {
			list, err := c.metadata.Resource(resource).Namespace(c.options.WatchNamespace).List(ctx, options)
			if err != nil {
				return nil, fmt.Errorf("cannot list %s: %w", resource.Resource, err)
			}
			for i := range list.Items {
				item := &list.Items[i]
				all[workload.Target{Kind: d.Kind, Namespace: item.Namespace, Name: item.Name}] = c.ownsPorts(item.ManagedFields)
			}
			if options.Continue = list.Continue; options.Continue == "" {
				break
			}
		}
	}
	return all, nil
}

// owned reports the workloads that the field manager owns ports of and that no
// AdapterSet targets.
func (c *checker) owned(workloads map[workload.Target]bool, sets []v1alpha1.AdapterSet) {
	targeted := map[workload.Target]bool{}
	for i := range sets {
		targeted[adapterset.Target(&sets[i])] = true
	}
	owned := 0
	var left []string
	for t, has := range workloads {
		if has {
			owned++
		}
		if has && !targeted[t] {
			left = append(left, t.String())
		}
	}
	slices.SortFunc(left, strings.Compare)
	flags := install.Options{FieldManager: c.options.FieldManager}.Flags()
	for _, name := range left {
		c.add("Workloads", Warning, name, "ports of field manager %s, but no AdapterSet; unless portside sync maintains them, give them up, which leaves the ports; run: portside release KIND/NAME -n NAMESPACE --keep-ports%s", c.options.FieldManager, flags)
	}
	if len(left) == 0 {
		c.add("Workloads", OK, "", "%d workloads with ports of field manager %s: all have an AdapterSet", owned, c.options.FieldManager)
	}
}
