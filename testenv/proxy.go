package testenv

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"
)

// Proxy forwards the requests of clients to the API server. It counts them, can
// hold back requests and answers, and can cut the clients off. Clients need no
// credentials: the proxy sends every request as its user.
//
// The proxy does not answer by itself unless a hook does. If it breaks an exchange, or
// the API server cannot be reached, the client's connection breaks.
type Proxy struct {
	Requests // that were forwarded, answered or not

	hooks    ProxyHooks
	listener *closableListener
	server   *httptest.Server
	upstream connections // to the API server
	holds    proxyHolds
}

// ProxyHooks are called for the exchanges of a proxy, also concurrently. They may
// block; the context of the request ends when its client disconnects.
type ProxyHooks struct {
	// OnRequest is called with each request before it is forwarded, and may change
	// it.
	OnRequest func(*http.Request)
	// Instead is called with each request after OnRequest. If it returns an answer, the
	// client gets that and the API server never gets the request. If it returns an
	// error, the connection breaks instead. Such a request is not counted.
	Instead func(*http.Request) (*http.Response, error)
	// OnAnswer is called with each answer before the client gets any of it. It may
	// replace the body. If it returns an error, the connection breaks instead. The
	// answer to a watch is the beginning of its stream.
	OnAnswer func(*http.Response) error
}

// Proxy is [NewProxy] in a test, which closes it.
func (cp *ControlPlane) Proxy(t testing.TB, user *rest.Config, hooks ProxyHooks) *Proxy {
	t.Helper()
	p, err := NewProxy(user, hooks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// NewProxy starts a proxy that listens at a loopback address until Close. It
// forwards to the server of the configuration, as the configuration's user.
func NewProxy(user *rest.Config, hooks ProxyHooks) (*Proxy, error) {
	target, err := url.Parse(user.Host)
	if err != nil {
		return nil, fmt.Errorf("cannot use the proxy's API server: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(user)
	if err != nil {
		return nil, fmt.Errorf("cannot use the proxy's user: %w", err)
	}
	p := &Proxy{hooks: hooks}
	p.holds.closed = make(chan struct{})
	// Not a transport that client-go shares among clients, since Close ends its
	// connections.
	asUser, err := rest.HTTPWrappersForConfig(user, &http.Transport{
		TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, DialContext: p.upstream.dial,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use the proxy's user: %w", err)
	}
	silent := log.New(io.Discard, "", 0) // it reports clients that close connections
	p.server = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
		},
		Transport:      p.forward(asUser),
		ModifyResponse: p.answer,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       silent,
	})
	p.listener = &closableListener{Listener: p.server.Listener}
	p.server.Listener = p.listener
	p.server.Config.ErrorLog = silent
	p.server.EnableHTTP2 = true // as the API server: all requests of a client share a connection
	p.server.StartTLS()
	return p, nil
}

// forward sends a request to the API server.
func (p *Proxy) forward(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if p.hooks.OnRequest != nil {
			p.hooks.OnRequest(request)
		}
		if p.hooks.Instead != nil {
			switch answer, err := p.hooks.Instead(request); {
			case err != nil:
				return nil, err
			case answer != nil:
				answer.Request = request
				return answer, nil
			}
		}
		if err := p.holds.wait(request, heldRequest); err != nil {
			return nil, err
		}
		return next.RoundTrip(p.counted(request))
	})
}

// answer returns an answer to the client.
func (p *Proxy) answer(a *http.Response) error {
	if p.hooks.OnAnswer != nil {
		if err := p.hooks.OnAnswer(a); err != nil {
			return err
		}
	}
	return p.holds.wait(a.Request, heldAnswer)
}

// Config returns the configuration of a client of the proxy. It has a token that
// the proxy ignores, because some clients ask for a username and password without
// one. [KubeconfigOf] makes a file of it.
func (p *Proxy) Config() *rest.Config {
	return &rest.Config{
		Host:            p.server.URL,
		BearerToken:     "the-proxy-has-the-credentials",
		TLSClientConfig: rest.TLSClientConfig{CAData: pemOf("CERTIFICATE", p.server.Certificate().Raw)},
		QPS:             -1,
	}
}

// Cut closes every connection of the clients, including watches. They can connect
// again at once.
func (p *Proxy) Cut() { p.listener.cut() }

// Refuse cuts the clients off and closes new connections at once, until it is
// called with false.
func (p *Proxy) Refuse(refuse bool) { p.listener.refuse(refuse) }

// HoldRequests holds back the requests that match, before the API server gets them,
// until release. held is closed at the first one. A client that disconnects takes
// its request with it. match is called concurrently; see [Is].
func (p *Proxy) HoldRequests(match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	return p.holds.add(heldRequest, match)
}

// HoldAnswers holds back the answers to the requests that match until release: the
// API server has done what was asked, and the client does not know. held is closed
// at the first one.
func (p *Proxy) HoldAnswers(match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	return p.holds.add(heldAnswer, match)
}

// Close cuts the clients off and stops the proxy.
func (p *Proxy) Close() {
	p.listener.refuse(true)
	p.holds.close()
	p.server.Close()
	// CloseIdleConnections would keep a connection whose last request is being
	// canceled.
	p.upstream.refuse(true)
}
