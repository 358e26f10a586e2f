package check_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// TestBetaPolicies expects the flags that get the leftover policy in 1.35, by what
// kube-apiserver serves, and no finding where the policy is installed.
func TestBetaPolicies(t *testing.T) {
	t.Parallel()
	const advice = "portside install --image IMAGE --kube-version 1.35.4 --beta-policies | kubectl apply --server-side -f -"
	for name, test := range map[string]struct {
		served string
		want   string
	}{
		"not served": {"false", "Warning Server |no leftover policy |upgrade the cluster to have it, or run kube-apiserver with --feature-gates=MutatingAdmissionPolicy=true and |and then: " + advice},
		"served":     {"true", "Warning Server |no leftover policy |if its feature gate MutatingAdmissionPolicy is on as well, run: " + advice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.Own(t, testenv.Options{APIServerFlags: map[string]string{
				"feature-gates":  "MutatingAdmissionPolicy=" + test.served, // with the gate alone 1.35 does not become ready
				"runtime-config": "admissionregistration.k8s.io/v1beta1=" + test.served,
			}})
			s := &site{cp, t, install.Options{Namespace: "portside-system", FieldManager: "portside", KubeVersion: version.MustParseGeneric("1.35.4")}}
			user := as135(t, cp).Config()
			s.expectAs(user, test.want)
			s.install()
			s.expectAs(user, test.want)
			if test.served == "false" {
				return
			}
			s.options.BetaPolicies = true
			s.install()
			s.expectAs(user)
			s.kubectl("", "patch", "mutatingadmissionpolicies.v1beta1.admissionregistration.k8s.io", "portside-leftover", "--type=merge", "-p", `{"spec":{"reinvocationPolicy":"Never"}}`)
			s.expectAs(user, "Error Policies |portside-leftover: spec.reinvocationPolicy|"+advice)
			s.kubectl("", "delete", "mutatingadmissionpolicies.v1beta1.admissionregistration.k8s.io", "portside-leftover")
			s.expectAs(user, "Error Policies |MutatingAdmissionPolicy portside-leftover: not found; run: "+advice)
		})
	}
}

// as135 returns a proxy of a server that answers with the version of 1.35.
func as135(t *testing.T, cp *testenv.ControlPlane) *testenv.Proxy {
	t.Helper()
	return cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnAnswer: func(answer *http.Response) error {
		if answer.Request.URL.Path == "/version" {
			answer.Body = io.NopCloser(strings.NewReader(`{"major":"1","minor":"35","gitVersion":"v1.35.4"}`))
			answer.ContentLength = -1
			answer.Header.Del("Content-Length")
		}
		return nil
	}})
}
