package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

// detectServices makes --services one of the options where the Deployment runs with it, and
// records a Deployment that should and does not.
func (c *checker) detectServices(ctx context.Context) error {
	deployments, err := c.deployments(ctx, c.options.Namespace)
	if err != nil {
		return ignoreForbidden(err) // reported by replicas
	}
	for i := range deployments {
		switch d := &deployments[i]; {
		case managesServices(d):
			c.options.Services = true
		case c.options.Services:
			c.withoutServices = append(c.withoutServices, deploymentName(d))
		}
	}
	c.manifests, err = install.Manifests(c.options)
	return err
}

// managesServices reports whether a Deployment of portside runs with --services.
func managesServices(d *appsv1.Deployment) bool {
	return slices.ContainsFunc(d.Spec.Template.Spec.Containers, func(container corev1.Container) bool {
		return slices.Contains(container.Args, "--services")
	})
}

// services checks the Services that AdapterSets name, and those with ports of the field
// manager that none names.
func (c *checker) services(ctx context.Context) error {
	for _, deployment := range c.withoutServices {
		c.add("Services", Error, deployment, "it runs without --services; run: %s", c.installCommand())
	}
	sets, err := c.adapterSets(ctx)
	if err != nil {
		return nil //nolint:nilerr // reported by targets
	}
	sets = slices.DeleteFunc(slices.Clone(sets), func(set v1alpha1.AdapterSet) bool { return len(set.Spec.Services) == 0 })
	if !c.options.Services {
		enabled := *c
		enabled.options.Services = true
		for i := range sets {
			c.add("Services", Error, setName(&sets[i]), "it names Services, whose ports this installation does not manage; run: %s", enabled.installCommand())
		}
		if len(sets) == 0 {
			return nil
		}
	}
	live, err := c.listServices(ctx)
	switch {
	case apierrors.IsForbidden(err):
		c.add("Services", Warning, "", "cannot list them: forbidden; ask for the permission to list services")
		return nil
	case err != nil:
		return fmt.Errorf("cannot list Services: %w", err)
	}
	named := map[workload.Target]bool{}
	for i := range sets {
		for _, target := range adapterset.ServiceTargets(&sets[i]) {
			named[target] = true
			if live[target] == nil {
				c.add("Services", Warning, setName(&sets[i])+" for Service "+target.Name,
					"the Service does not exist (yet); create it with a port that has a name, or take it out of spec.services")
			}
		}
	}
	c.servicePorts(live, named)
	if !c.found("Services") {
		c.add("Services", OK, "", "%d Services that AdapterSets name: all exist and have a name for each port", len(named))
	}
	return nil
}

// servicePorts reports ports that keep adapter ports out of a Service, and Services with
// ports of the field manager that no AdapterSet names.
func (c *checker) servicePorts(live map[workload.Target]*corev1.Service, named map[workload.Target]bool) {
	flags := install.Options{FieldManager: c.options.FieldManager}.Flags()
	for _, target := range slices.SortedFunc(maps.Keys(live), func(a, b workload.Target) int { return strings.Compare(a.String(), b.String()) }) {
		service := live[target]
		if !named[target] {
			if c.ownsPorts(service.ManagedFields) {
				c.add("Services", Warning, target.String(), "ports of field manager %s, but no AdapterSet names it; unless portside sync maintains them, give them up, which leaves the ports; run: portside release service/NAME -n NAMESPACE --keep-ports%s",
					c.options.FieldManager, flags)
			}
			continue
		}
		for _, p := range service.Spec.Ports {
			if p.Name == "" {
				c.add("Services", Warning, target.String(),
					"port %d/%s has no name, and the API server takes no adapter port next to it; give it one in the manifest of the Service: name: main", p.Port, p.Protocol)
			}
		}
	}
}

// listServices returns the Services that the installation watches.
func (c *checker) listServices(ctx context.Context) (map[workload.Target]*corev1.Service, error) {
	all := map[workload.Target]*corev1.Service{}
	for options := (metav1.ListOptions{Limit: page}); ; {
		list, err := c.client.CoreV1().Services(c.options.WatchNamespace).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			item := &list.Items[i]
			all[workload.Target{Kind: workload.Service, Namespace: item.Namespace, Name: item.Name}] = item
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return all, nil
		}
	}
}

// ownsPorts reports whether managedFields have an entry of the field manager.
func (c *checker) ownsPorts(entries []metav1.ManagedFieldsEntry) bool {
	return slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == c.options.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply
	})
}

func setName(set *v1alpha1.AdapterSet) string { return "AdapterSet " + set.Namespace + "/" + set.Name }
