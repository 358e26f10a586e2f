// Package check looks at a cluster and says whether portside can work in it, and
// whether it does. It changes nothing.
//
// What should be there is what `portside install` prints for the version of the
// cluster, so that the two cannot come apart:
//
//  1. the server's version, and what it lacks;
//  2. where nothing of portside is installed: whether who asks may install it,
//     and nothing else;
//  3. the CRD, and the admission policies: there, bound, and neither narrowed nor
//     changed;
//  4. the permissions of portside's ServiceAccount, asked as that one: each that
//     a rule grants, Secrets where AdapterSets refer to them, and none beyond
//     these;
//  5. AdapterSets without a workload;
//  6. workloads with an entry of ours that no AdapterSet names.
package check

import (
	"context"
	"fmt"

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

// State is how something was found.
type State string

// The states.
const (
	// OK: as it should be.
	OK State = "OK"
	// Warning: it works, with something to know.
	Warning State = "Warning"
	// Wrong: portside does not work as it should, or may do what it should not.
	Wrong State = "Wrong"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Check is what was looked for: Server, Install, Policies, Permissions,
	// AdapterSets or Workloads.
	Check string `json:"check"`
	State State  `json:"state"`
	// Object that it is about, as Kind namespace/name; empty for the cluster.
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
}

// checker is one look at a cluster.
type checker struct {
	options  install.Options
	config   *rest.Config
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	metadata metadata.Interface
	// manifests that should be there.
	manifests []*unstructured.Unstructured
	findings  []Finding
}

// Run looks at the cluster for the installation that options describe; their
// KubeVersion is the server's own. An error is what keeps it from looking.
func Run(ctx context.Context, config *rest.Config, options install.Options) ([]Finding, error) {
	c := &checker{options: options, config: config}
	if err := c.connect(); err != nil {
		return nil, err
	}
	if err := c.server(); err != nil {
		return nil, err
	}
	installed, err := c.installed(ctx)
	if err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{c.mayInstall}
	if installed {
		steps = []func(context.Context) error{c.objects, c.permissions, c.targets}
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

func (c *checker) add(check string, state State, object, format string, args ...any) {
	c.findings = append(c.findings, Finding{check, state, object, fmt.Sprintf(format, args...)})
}

// server finds the version, and from it what should be installed.
func (c *checker) server() error {
	info, err := c.client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("the server's version: %w", err)
	}
	version, err := install.ParseKubeVersion(info.GitVersion)
	if err != nil {
		c.add("Server", Warning, "", "%v: taken for one that has every admission policy", err)
	} else {
		c.options.KubeVersion = version
		c.add("Server", OK, "", "Kubernetes %s", info.GitVersion)
	}
	for _, loss := range c.options.Losses() {
		c.add("Server", Warning, "", "%s", loss)
	}
	c.manifests, err = install.Manifests(c.options)
	return err
}

// installed tells whether anything of an installation is there, the namespace
// alone not counted: it may have been made first.
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

// get reads what is in the cluster in the place of a manifest.
func (c *checker) get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.dynamic.Resource(resourceOf(object.GroupVersionKind())).Namespace(object.GetNamespace()).
		Get(ctx, object.GetName(), metav1.GetOptions{})
}

// resourceOf is the resource of a kind that is among the manifests.
func resourceOf(kind schema.GroupVersionKind) schema.GroupVersionResource {
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	return resource
}

func isAbsent(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

// ignoreForbidden passes over what may not be read: that it is asked for again,
// and then is a finding.
func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// nameOf is how findings name an object.
func nameOf(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
