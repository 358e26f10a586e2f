package check

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Unanswered returns why no service may have handled a request of an AdapterSet, and what
// to do. It looks for the Lease of leader election in all namespaces, which its user may
// not be allowed to.
func Unanswered(ctx context.Context, config *rest.Config, set *v1alpha1.AdapterSet) (string, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	name := cmp.Or(set.Status.FieldManager, apply.DefaultFieldManager)
	leases, err := client.CoordinationV1().Leases("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	switch {
	case apierrors.IsForbidden(err):
		return "you may not list Leases, so it is not known whether portside runs; ask an administrator to run: portside check", nil
	case err != nil:
		return "", err
	case len(leases.Items) == 0:
		return fmt.Sprintf("there is no Lease %s, so portside does not run here, or runs under another --field-manager; run: portside check", name), nil
	}
	lease := leases.Items[0]
	for _, other := range leases.Items[1:] {
		if renewal(&other).After(renewal(&lease)) {
			lease = other
		}
	}
	holder := ptr.Deref(lease.Spec.HolderIdentity, "")
	checks := fmt.Sprintf("run: portside check -n %s", lease.Namespace)
	switch {
	case holder == "":
		return fmt.Sprintf("no replica of portside holds the Lease %s/%s, so AdapterSets are not reconciled; %s", lease.Namespace, name, checks), nil
	case time.Since(renewal(&lease)) > validity(&lease):
		return fmt.Sprintf("the Lease %s/%s is held by %s, which no longer renews it, so AdapterSets are not reconciled; %s", lease.Namespace, name, holder, checks), nil
	}
	return fmt.Sprintf("portside runs (%s holds the Lease %s/%s), but may not watch namespace %s (--watch-namespace) or select this AdapterSet (--selector), or its source does not answer; see its log: kubectl logs -n %s %s",
		holder, lease.Namespace, name, set.Namespace, lease.Namespace, podOf(holder)), nil
}

// podOf returns the pod of a holder, which controller-runtime names POD_UUID.
func podOf(holder string) string {
	pod, _, _ := strings.Cut(holder, "_")
	return pod
}
