package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/portside-dev/portside/cmd/portside/internal/controller"
)

// probes serves /healthz and /readyz as long as the process runs. controller-runtime's
// manager would serve them only once it is started, which needs an API server.
type probes struct {
	service atomic.Pointer[controller.Service] // nil while the process waits for the API server
}

// serve listens on an address and returns a function that stops it. The address "0"
// is none.
func (p *probes) serve(ctx context.Context, address string) (stop func(), err error) {
	if address == "" || address == "0" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve /healthz and /readyz: %w; choose another --health-probe-bind-address", err)
	}
	mux := http.NewServeMux()
	handle(mux, "/healthz", "ping", healthz.Ping)
	handle(mux, "/readyz", "watching", p.ready)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 90 * time.Second}
	go func() { _ = server.Serve(listener) }() // without it the kubelet restarts the container
	return func() { _ = server.Close() }, nil  // the process is about to end
}

func handle(mux *http.ServeMux, path, name string, check healthz.Checker) {
	handler := http.StripPrefix(path, &healthz.Handler{Checks: map[string]healthz.Checker{name: check}})
	mux.Handle(path, handler)
	mux.Handle(path+"/", handler)
}

func (p *probes) ready(*http.Request) error {
	service := p.service.Load()
	if service == nil {
		return errors.New("waiting for the API server")
	}
	return service.Watching()
}
