package cli

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"k8s.io/client-go/rest"
)

// TestAwaitAPIServer tests which errors the process waits out and which end it. Where it
// waits, the test stops it at the first line of the log.
func TestAwaitAPIServer(t *testing.T) {
	t.Parallel()
	const groups, group = `{"kind":"APIGroupList","apiVersion":"v1","groups":[`, `{"name":"portside.dev","versions":[{"version":"v1alpha1"}]}`
	answer := func(code int, body string) answerTo { return answerTo{"/": {code, body}} }
	ready := func(code int) answerTo {
		return answerTo{"/": {http.StatusOK, groups + "]}"}, "/readyz": {code, ""}}
	}
	for name, c := range map[string]struct {
		server string
		waits  bool
		err    string // empty: none
	}{
		"it serves AdapterSets":            {server: answer(http.StatusOK, groups+group+"]}").serve(t)},
		"another version of them":          {server: answer(http.StatusOK, groups+strings.Replace(group, "v1alpha1", "v9", 1)+"]}").serve(t), err: "has no AdapterSets"},
		"none, and it is ready":            {server: ready(http.StatusOK).serve(t), err: "has no AdapterSets"},
		"none, and it hides /readyz":       {server: ready(http.StatusNotFound).serve(t), err: "has no AdapterSets"},
		"none, and it is not ready":        {server: ready(http.StatusInternalServerError).serve(t), waits: true},
		"it starts":                        {server: answer(http.StatusServiceUnavailable, "").serve(t), waits: true},
		"it is busy":                       {server: answer(http.StatusTooManyRequests, "").serve(t), waits: true},
		"it forbids":                       {server: answer(http.StatusForbidden, "").serve(t), waits: true},
		"it does not know the credentials": {server: answer(http.StatusUnauthorized, "").serve(t), err: "check the kubeconfig's user"},
		"it answers no JSON":               {server: answer(http.StatusOK, "<html>").serve(t), err: "invalid character"},
		"it does not listen":               {server: unreachable(t), waits: true},
		"it breaks the connection":         {server: breaking(t), waits: true},
		"its certificate is not trusted":   {server: untrusted(t), err: "certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			waited := ""
			err := AwaitAPIServer(ctx, funcr.New(func(_, line string) { waited = line; stop() }, funcr.Options{}), &rest.Config{Host: c.server})
			switch {
			case c.waits:
				if !errors.Is(err, context.Canceled) || !strings.Contains(waited, `"waiting for the API server" "reason"=`) {
					t.Errorf("it does not wait: %v; the log has %q", err, waited)
				}
			case waited != "":
				t.Errorf("it waits: %s", waited)
			case (c.err == "") != (err == nil) || !strings.Contains(ErrorText(err), c.err):
				t.Errorf("the error is %q, not %q", ErrorText(err), c.err)
			}
		})
	}
}

// answerTo has the code and the body of the answer to a path; "/" is any other path.
type answerTo map[string]struct {
	code int
	body string
}

func (a answerTo) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := a[r.URL.Path]
		if !known {
			answer = a["/"]
		}
		if r.URL.Path == "/api" && answer.code == http.StatusOK {
			answer.body = `{"kind":"APIVersions","versions":["v1"]}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.code)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func unreachable(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

func breaking(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(server.Close)
	return server.URL
}

func untrusted(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs that the client hung up
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
