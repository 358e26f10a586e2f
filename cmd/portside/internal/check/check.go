// Package check reports whether portside can work in a cluster, and whether it
// does. It changes nothing.
//
// What should exist is what `portside install` prints for the version of the
// cluster, so that the two cannot differ:
//
//  1. Server: the version, and the admission policies that it cannot have;
//  2. Install: the objects of the installation exist. Where none does, only
//     whether the user may create them is checked;
//  3. Policies: the admission policies exist, are bound, and are neither narrowed
//     nor changed;
//  4. Permissions: those of portside's ServiceAccount, asked as that account:
//     every one that a rule grants, Secrets where AdapterSets refer to them, and
//     none beyond these;
//  5. Replicas: the replicas of the Deployment are ready;
//  6. Lease: a replica holds the leader election Lease and renews it;
//  7. AdapterSets: each is reconciled, Ready and not Stalled, and its target exists;
//  8. Workloads: each that the field manager owns ports of has an AdapterSet;
//  9. Services: where AdapterSets name them, the installation manages Services, each
//     exists, and each of its ports has a name.
//
// What the user is not allowed to read is a Warning: its state is not known.
package check

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

// checker is one check of a cluster.
type checker struct {
	options  install.Options
	config   *rest.Config
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	metadata metadata.Interface
	// manifests that should exist.
	manifests []*unstructured.Unstructured
	sets      setList
	// withoutServices are Deployments that do not manage Services, while the options do.
	withoutServices []string
	findings        []Finding
}

// Run checks the cluster for the installation that options describe; their
// KubeVersion is the server's own. An error is what prevents the check.
func Run(ctx context.Context, config *rest.Config, options install.Options) ([]Finding, error) {
	c := &checker{options: options, config: config}
	if err := c.connect(); err != nil {
		return nil, err
	}
	if err := c.server(ctx); err != nil {
		return nil, err
	}
	installed, err := c.installed(ctx)
	if err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{c.mayInstall}
	if installed {
		if err := c.detectServices(ctx); err != nil {
			return nil, err
		}
		steps = []func(context.Context) error{c.objects, c.accountPermissions, c.replicas, c.lease, c.targets, c.services}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c.findings, nil
}

func (c *checker) connect() error {
	var err error
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return err
	}
	if c.dynamic, err = dynamic.NewForConfig(c.config); err != nil {
		return err
	}
	c.metadata, err = metadata.NewForConfig(c.config)
	return err
}

// add adds a finding. One that differs from an earlier one in its object alone is
// the same finding about several objects.
func (c *checker) add(check string, state State, object, format string, args ...any) {
	f := Finding{Check: check, State: state, Message: fmt.Sprintf(format, args...)}
	if object != "" {
		f.Objects = []string{object}
	}
	same := slices.IndexFunc(c.findings, func(other Finding) bool {
		return other.Check == f.Check && other.State == f.State && other.Message == f.Message
	})
	if same < 0 {
		c.findings = append(c.findings, f)
		return
	}
	c.findings[same].Objects = append(c.findings[same].Objects, f.Objects...)
}

// found reports whether there is a finding of a check.
func (c *checker) found(check string) bool {
	return slices.ContainsFunc(c.findings, func(f Finding) bool { return f.Check == check })
}

// server finds the version, and from it what should be installed.
func (c *checker) server(ctx context.Context) error {
	info, err := c.client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("cannot read the server's version: %w", err)
	}
	version, err := install.ParseKubeVersion(info.GitVersion)
	if err != nil {
		c.add("Server", Warning, "", "cannot tell the server's version: %v; every admission policy is expected", err)
	} else {
		c.options.KubeVersion = version
		c.add("Server", OK, "", "Kubernetes %s", info.GitVersion)
	}
	remedy := "upgrade the cluster to have it"
	switch {
	case c.options.WithoutPolicies:
		remedy = "install without --without-policies to have it"
	case c.options.CanHaveBeta():
		if remedy, err = c.addBeta(ctx); err != nil {
			return err
		}
	}
	for _, loss := range c.options.Losses() {
		c.add("Server", Warning, "", "%s; %s", loss, remedy)
	}
	c.manifests, err = install.Manifests(c.options)
	return err
}

// installed reports whether anything of an installation exists. The namespace
// alone does not count: it may have been created first.
func (c *checker) installed(ctx context.Context) (bool, error) {
	for _, object := range c.manifests {
		switch object.GetKind() {
		case "CustomResourceDefinition", "ServiceAccount", "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy", "Deployment":
			if _, err := c.get(ctx, object); err == nil || !isAbsent(err) {
				return true, ignoreForbidden(err)
			}
		}
	}
	return false, nil
}

// accountPermissions checks the permissions of portside's ServiceAccount, where
// the user is allowed to impersonate it.
func (c *checker) accountPermissions(ctx context.Context) error {
	err := c.permissions(ctx)
	if apierrors.IsForbidden(err) {
		c.add("Permissions", Warning, c.account(), "not checked: %v", err)
		return nil
	}
	return err
}

// get reads the cluster's object of a manifest.
func (c *checker) get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.dynamic.Resource(resourceOf(object.GroupVersionKind())).Namespace(object.GetNamespace()).
		Get(ctx, object.GetName(), metav1.GetOptions{})
}

// resourceOf returns the resource of a kind that is among the manifests.
func resourceOf(kind schema.GroupVersionKind) schema.GroupVersionResource {
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	return resource
}

func isAbsent(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

// ignoreForbidden ignores what the user may not read: it is read again later, and
// then is a finding.
func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// nameOf returns the name of an object in findings.
func nameOf(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// installCommand returns the command that creates what is missing and restores
// what was changed.
func (c *checker) installCommand() string {
	return "portside install --image IMAGE" + c.options.Flags() + " | kubectl apply --server-side -f -"
}
