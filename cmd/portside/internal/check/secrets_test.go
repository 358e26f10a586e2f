package check_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// TestSecrets: they may be read where an AdapterSet refers to one, or where the
// options say so, and nowhere else.
func TestSecrets(t *testing.T) {
	t.Parallel()
	t.Run("referred to and not granted", func(t *testing.T) {
		t.Parallel()
		s := installed(t)
		s.workload("files")
		s.asking("files", "files")
		s.expect("Wrong ServiceAccount |it may not get secrets in namespace " + s.options.WatchNamespace + "|portside install --discovery-namespace " + s.options.WatchNamespace + " prints")
	})
	for name, asks := range map[string]bool{"granted and referred to": true, "granted and not referred to": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.options.DiscoveryNamespaces = []string{s.options.WatchNamespace}
			s.install()
			s.awaitSecrets()
			s.expect()
			s.options.DiscoveryNamespaces = nil
			if asks {
				s.workload("files")
				s.asking("files", "files")
				s.expect()
			} else {
				s.expect("Wrong ServiceAccount |more than it needs|get secrets")
			}
		})
	}
}

// asking makes an AdapterSet that asks its pods with credentials.
func (s *site) asking(name, target string) {
	s.t.Helper()
	s.must(s.Manager(testenv.ArgoCD).In(s.options.WatchNamespace).Apply(s.t.Context(), fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %s},
	  spec: {targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %s}, discovery: {http: {port: api, scheme: HTTP, credentialsRef: {name: access}}}}}`, name, target)))
}

// awaitSecrets waits until RBAC lets portside read Secrets.
func (s *site) awaitSecrets() {
	s.t.Helper()
	client := kubernetes.NewForConfigOrDie(s.Config())
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + s.options.Namespace + ":" + s.options.FieldManager,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.options.WatchNamespace, Verb: "get", Resource: "secrets"},
	}}
	testenv.Eventually(s.t, "Secrets to be readable", func(ctx context.Context) error {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err == nil && !answer.Status.Allowed {
			err = errors.New("they are not")
		}
		return err
	})
}
