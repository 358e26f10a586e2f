package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
)

// mutatingPolicies is the first release with MutatingAdmissionPolicy v1. Before, it is
// v1beta1 and off by default.
var mutatingPolicies = utilversion.MajorMinor(1, 36)

// releaseOf returns the release of the kube-apiserver in a folder.
func releaseOf(ctx context.Context, assets string) (*utilversion.Version, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(assets, binaryAPIServer), "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot get the version of %s: %w", binaryAPIServer, err)
	}
	return utilversion.ParseGeneric(strings.TrimPrefix(strings.TrimSpace(string(out)), "Kubernetes "))
}

// betaFlags returns the flags of kube-apiserver that enable MutatingAdmissionPolicy
// where it is a beta.
func betaFlags(release *utilversion.Version) map[string]string {
	if release.AtLeast(mutatingPolicies) {
		return nil
	}
	return map[string]string{
		"feature-gates":  "MutatingAdmissionPolicy=true",
		"runtime-config": "admissionregistration.k8s.io/v1beta1=true",
	}
}

// Release returns the release of Kubernetes.
func (cp *ControlPlane) Release() *utilversion.Version { return cp.release }

// ServesMutatingPolicies reports whether the server serves MutatingAdmissionPolicy in
// the version of [ControlPlane.MutatingPolicies].
func (cp *ControlPlane) ServesMutatingPolicies() bool {
	list, err := cp.client.Discovery().ServerResourcesForGroupVersion(cp.MutatingPolicies())
	return err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == "mutatingadmissionpolicies" })
}

// MutatingPolicies returns the API version of MutatingAdmissionPolicy: v1, or v1beta1
// before 1.36, where this package enables it.
func (cp *ControlPlane) MutatingPolicies() string {
	if cp.release.AtLeast(mutatingPolicies) {
		return "admissionregistration.k8s.io/v1"
	}
	return "admissionregistration.k8s.io/v1beta1"
}
