package portside

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// Token returns the configuration of a ServiceAccount, by a token as its pods have
// one.
func Token(ctx context.Context, cp *testenv.ControlPlane, namespace, serviceAccount string) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	request, err := client.CoreV1().ServiceAccounts(namespace).
		CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot get a token of ServiceAccount %s/%s: %w", namespace, serviceAccount, err)
	}
	user := rest.AnonymousClientConfig(cp.Config())
	user.BearerToken = request.Status.Token
	user.WarningHandler = rest.NoWarnings{}
	return user, nil
}
