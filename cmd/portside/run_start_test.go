package main

import (
	"net"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestStartErrors expects the message and the exit code of a process that cannot
// start.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	expired, err := cp.ExpiredUser("expired")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		user *rest.Config
		args []string
		text string
	}{
		// No test here installs the CRD in the control plane without controllers.
		"no CRD":            {testenv.Shared(t).Config(), nil, "error: the API server has no AdapterSets: install their CustomResourceDefinition first"},
		"no such user":      {expired, nil, "the server does not know these credentials"},
		"no free address":   {cp.Config(), []string{"--leader-elect=false", "--pprof-bind-address", taken.Addr().String()}, "address already in use"},
		"no such flag":      {cp.Config(), []string{"--gone"}, "error: unknown flag: --gone\n  See 'portside run --help' for usage."},
		"no such namespace": {cp.Config(), []string{"--watch-namespace=A_B"}, `error: --watch-namespace "A_B": a lowercase RFC 1123 label`},
		"no selector":       {cp.Config(), []string{"--selector==="}, "error: --selector: "},
		"no manager":        {cp.Config(), []string{"--field-manager=kubectl-x"}, `error: --field-manager: field manager "kubectl-x" begins with "kubectl"`},
		"no Lease's name":   {cp.Config(), []string{"--field-manager=Port_side"}, `error: --field-manager "Port_side" cannot be the name of the Lease (--leader-elect): a lowercase RFC 1123 subdomain`},
		"no lease duration": {cp.Config(), []string{"--leader-elect-lease-duration=500ms"}, "error: --leader-elect-lease-duration 500ms is not a whole number of seconds, at least 1s"},
		"too long to renew": {cp.Config(), []string{"--leader-elect-renew-deadline=20s"}, "error: --leader-elect-renew-deadline 20s is not below --leader-elect-lease-duration 15s"},
		"too late to retry": {cp.Config(), []string{"--leader-elect-retry-period=9s"}, "error: --leader-elect-retry-period 9s is not above 0 and below --leader-elect-renew-deadline 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := portside.Run(t, self(t), c.user, c.args...)
			if code := s.ExitCode(); code != 1 || !s.Log.Contains(c.text) {
				t.Errorf("exit code %d, and not %q:\n%s", code, c.text, s.Log.Tail())
			}
		})
	}
}

// TestStartWithoutAPIServer starts two processes that wait for the API server and
// answer /healthz, so that a kubelet does not restart them. One is stopped before
// the server runs.
func TestStartWithoutAPIServer(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	f := newFleet(t, cp, 1)
	// The server has to load the permissions of this user first, unlike those of an
	// administrator.
	user, err := cp.User(f.namespace)
	if err != nil {
		t.Fatal(err)
	}
	f.apply(clusterAdmin(f.namespace))
	if err := cp.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	var waiting []*portside.Service
	for range 2 {
		s := portside.Run(t, self(t), user, "--watch-namespace", f.namespace, "--leader-election-namespace", f.namespace)
		s.WaitLog("info waiting for the API server")
		for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusInternalServerError} {
			if code, body, err := portside.Get(t.Context(), "http://"+s.Health+path, ""); err != nil || code != want {
				t.Errorf("%s: %d %s, %v", path, code, body, err)
			}
		}
		if !s.Log.Contains("was refused - did you specify the right host or port?") || s.Log.Contains("error ") {
			t.Errorf("the log does not say why portside waits, or has an error:\n%s", s.Log.Tail())
		}
		waiting = append(waiting, s)
	}
	if code := waiting[0].Terminate(); code != 0 {
		t.Errorf("the stopped process: exit code %d", code)
	}
	if err := cp.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	waiting[1].WaitReady()
	f.changeAll()
	f.check()
}

// clusterAdmin returns a RoleBinding that grants a user everything in a namespace.
func clusterAdmin(user string) string {
	return `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: powerful},
	  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin},
	  subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ` + user + `}]}`
}

// TestStartWithoutPermissions logs what is forbidden and is not ready. Once the
// permissions are granted it works without a restart.
func TestStartWithoutPermissions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	powerless, err := f.User(f.namespace)
	if err != nil {
		t.Fatal(err)
	}
	s := portside.Run(t, self(t), powerless, "--leader-elect=false", "--watch-namespace", f.namespace)
	s.WaitLog(`User \"` + f.namespace + `\" cannot list resource \"statefulsets\" in API group \"apps\" in the namespace \"` + f.namespace)
	if code, body, err := portside.Get(t.Context(), "http://"+s.Health+"/readyz", ""); err != nil || code != http.StatusInternalServerError {
		t.Errorf("/readyz: %d %s, %v", code, body, err)
	}
	f.apply(clusterAdmin(f.namespace))
	s.WaitReady()
	f.changeAll()
	f.check()

	elects := portside.Run(t, self(t), powerless, "--watch-namespace", f.namespace, "--leader-election-namespace", "default")
	elects.WaitLog(`User \"` + f.namespace + `\" cannot get resource \"leases\"`)
}
