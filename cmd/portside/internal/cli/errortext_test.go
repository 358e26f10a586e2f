package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// reworded is an error with another text than its cause's.
type reworded struct {
	text  string
	cause error
}

func (e reworded) Error() string { return e.text }
func (e reworded) Unwrap() error { return e.cause }

// TestErrorText: what is printed of an error depends on its type, never on its
// text.
func TestErrorText(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "statefulsets"}, "files", errors.New("not yours"))
	request := func(err error) error { return &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/apis", Err: err} }
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"no error":           {nil, ""},
		"connection refused": {request(refused), "the connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?"},
		"connection refused in other words": {request(reworded{"verbinding geweigerd", refused}),
			"the connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?"},
		"a proxy that speaks of a refused connection": {request(errors.New("proxy: connection refused by policy")),
			"unable to connect to the server 10.0.0.1:6443: proxy: connection refused by policy"},
		"the server's error": {forbidden, `Error from server (Forbidden): statefulsets.apps "files" is forbidden: not yours`},
		"the server's error with words around it": {fmt.Errorf("cannot read it: %w; ask for the permission", forbidden),
			`cannot read it: statefulsets.apps "files" is forbidden: not yours; ask for the permission`},
		"unauthorized": {fmt.Errorf("cannot read it: %w", apierrors.NewUnauthorized("expired")),
			"the server does not know these credentials (cannot read it: expired); check the kubeconfig's user, or log in again"},
		"what was attempted": {&exitError{what: "cannot list statefulsets", err: forbidden},
			`cannot list statefulsets: Error from server (Forbidden): statefulsets.apps "files" is forbidden: not yours`},
		"printed already": {&exitError{code: 2}, ""},
	} {
		if got := ErrorText(test.err); got != test.want {
			t.Errorf("%s:\n%s\nnot\n%s", name, got, test.want)
		}
	}
}

// TestTargetError: an error names its target once.
func TestTargetError(t *testing.T) {
	t.Parallel()
	files := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "files"}
	for name, test := range map[string]struct {
		err  error
		want string
		code int
	}{
		"without a target":                 {errors.New("why"), "StatefulSet storage/files: why", 1},
		"text that happens to name it":     {errors.New("quota of StatefulSet storage/files"), "StatefulSet storage/files: quota of StatefulSet storage/files", 1},
		"with a target":                    {&workload.TargetError{Target: files, Err: errors.New("why")}, "StatefulSet storage/files: why", 1},
		"about its field manager":          {fmt.Errorf("%w (--field-manager)", &apply.NotDedicatedError{Manager: "team", Target: files, Field: ".spec.replicas", Count: 1}), `StatefulSet storage/files: field manager "team" already owns another field, .spec.replicas; an apply would remove it. Use a field manager of its own (--field-manager)`, 2},
		"about a manager that applies":     {&apply.LiveManagerError{Target: files}, "StatefulSet storage/files: cannot adopt from ", 2},
		"about a container that is absent": {&workload.ContainerError{Target: files, Containers: []string{"x"}}, "StatefulSet storage/files: ; it has x", 2},
	} {
		err := TargetError(files, test.err)
		if got := ErrorText(err); len(got) < len(test.want) || got[:len(test.want)] != test.want {
			t.Errorf("%s:\n%s\nnot\n%s", name, got, test.want)
		}
		if code := exitCode(nil, err); code != test.code {
			t.Errorf("%s: exit code %d, want %d", name, code, test.code)
		}
	}
}
