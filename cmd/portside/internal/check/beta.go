package check

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

var beta = schema.GroupVersion{Group: "admissionregistration.k8s.io", Version: "v1beta1"}

// betaResources are those of the leftover policy and its binding.
var betaResources = []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}

// addBeta returns how to get the leftover policy where the cluster's version has it as
// v1beta1 alone. If the cluster has the policy or its binding, the manifests will
// include both.
func (c *checker) addBeta(ctx context.Context) (remedy string, err error) {
	with := *c
	with.options.BetaPolicies = true
	served, err := c.servesBeta()
	if err != nil {
		return "", err
	}
	if !served {
		return "upgrade the cluster to have it, or run kube-apiserver with " + install.BetaFlags + ", and then: " + with.installCommand(), nil
	}
	for _, resource := range betaResources {
		_, err := c.dynamic.Resource(beta.WithResource(resource)).Get(ctx, c.options.FieldManager+"-leftover", metav1.GetOptions{})
		switch {
		case err == nil:
			c.options.BetaPolicies = true
		case !isAbsent(err) && !apierrors.IsForbidden(err):
			return "", err
		}
	}
	return "kube-apiserver serves v1beta1; if its feature gate MutatingAdmissionPolicy is on as well, run: " + with.installCommand(), nil
}

// servesBeta reports whether the server has MutatingAdmissionPolicy as v1beta1.
func (c *checker) servesBeta() (bool, error) {
	list, err := c.client.Discovery().ServerResourcesForGroupVersion(beta.String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot read the resources of %s: %w", beta, err)
	}
	return slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == betaResources[0] }), nil
}
