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

var betaPolicies = schema.GroupVersionResource{
	Group: "admissionregistration.k8s.io", Version: "v1beta1", Resource: "mutatingadmissionpolicies",
}

// beta returns how to get the leftover policy where the cluster's version has it as
// v1beta1 alone. If the cluster has the policy, the manifests will include it.
func (c *checker) beta(ctx context.Context) (remedy string, err error) {
	with := *c
	with.options.BetaPolicies = true
	served, err := c.servesBeta()
	switch {
	case err != nil:
		return "", err
	case !served:
		return "upgrade the cluster to have it, or run kube-apiserver with " + install.BetaFlags + ", and then: " + with.installCommand(), nil
	}
	_, err = c.dynamic.Resource(betaPolicies).Get(ctx, c.options.FieldManager+"-leftover", metav1.GetOptions{})
	c.options.BetaPolicies = err == nil
	if isAbsent(err) {
		err = nil
	}
	return "kube-apiserver serves v1beta1; if its feature gate MutatingAdmissionPolicy is on as well, run: " + with.installCommand(), ignoreForbidden(err)
}

// servesBeta reports whether the server has MutatingAdmissionPolicy as v1beta1.
func (c *checker) servesBeta() (bool, error) {
	list, err := c.client.Discovery().ServerResourcesForGroupVersion(betaPolicies.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot read the resources of %s: %w", betaPolicies.GroupVersion(), err)
	}
	return slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == betaPolicies.Resource }), nil
}
