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

// Proxy stands between clients and the API server. It counts what they send,
// can hold requests and answers back, and cut the clients off. Clients need no
// credentials: the proxy sends every request as its user.
//
// What the proxy breaks, and an API server that cannot be reached, is a
// connection that breaks to the client: the proxy never answers by itself.
type Proxy struct {
	Requests // those that were sent on, whether or not they were answered

	hooks    ProxyHooks
	gate     *gate
	server   *httptest.Server
	upstream connections // to the API server
	holds    proxyHolds
}

// ProxyHooks see what passes a proxy, also concurrently. They may block; the
// context of the request ends when the client goes away.
type ProxyHooks struct {
	// OnRequest is called with each request before it is sent on, and may change
	// it.
	OnRequest func(*http.Request)
	// OnAnswer is called with each answer before the client has any of it; its
	// Request is the request. It may replace the answer's body. An error breaks
	// the connection instead. The answer to a watch is the beginning of its
	// stream.
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

// NewProxy starts a proxy that listens on this machine alone, until Close. It
// sends on to the server of the configuration, as the configuration's user.
func NewProxy(user *rest.Config, hooks ProxyHooks) (*Proxy, error) {
	target, err := url.Parse(user.Host)
	if err != nil {
		return nil, fmt.Errorf("the proxy's API server: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(user)
	if err != nil {
		return nil, fmt.Errorf("the proxy's user: %w", err)
	}
	p := &Proxy{hooks: hooks}
	p.holds.closed = make(chan struct{})
	// Not one that client-go shares among clients: Close ends its connections.
	asUser, err := rest.HTTPWrappersForConfig(user, &http.Transport{
		TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, DialContext: p.upstream.dial,
	})
	if err != nil {
		return nil, fmt.Errorf("the proxy's user: %w", err)
	}
	silent := log.New(io.Discard, "", 0) // clients that go away are no news
	p.server = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
		},
		Transport:      p.sendOn(asUser),
		ModifyResponse: p.passBack,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       silent,
	})
	p.gate = &gate{Listener: p.server.Listener}
	p.server.Listener = p.gate
	p.server.Config.ErrorLog = silent
	p.server.EnableHTTP2 = true // as the API server does: all requests of a client share a connection
	p.server.StartTLS()
	return p, nil
}

// sendOn is the way of a request to the API server.
func (p *Proxy) sendOn(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if p.hooks.OnRequest != nil {
			p.hooks.OnRequest(request)
		}
		if err := p.holds.wait(request, heldRequest); err != nil {
			return nil, err
		}
		return next.RoundTrip(p.counted(request))
	})
}

// passBack is the way of an answer to the client.
func (p *Proxy) passBack(answer *http.Response) error {
	if p.hooks.OnAnswer != nil {
		if err := p.hooks.OnAnswer(answer); err != nil {
			return err
		}
	}
	return p.holds.wait(answer.Request, heldAnswer)
}

// Config is the configuration of a client of the proxy. It carries a token that
// nobody reads, because some clients ask for a name and a password where there
// is nothing at all. [KubeconfigOf] makes a file of it.
func (p *Proxy) Config() *rest.Config {
	return &rest.Config{
		Host:            p.server.URL,
		BearerToken:     "the-proxy-has-the-credentials",
		TLSClientConfig: rest.TLSClientConfig{CAData: pemOf("CERTIFICATE", p.server.Certificate().Raw)},
		QPS:             -1,
	}
}

// Cut closes every connection of the clients, watches with them. They can
// connect again at once.
func (p *Proxy) Cut() { p.gate.cut() }

// Refuse cuts the clients off, and closes each new connection at once, until it
// is called with false.
func (p *Proxy) Refuse(refuse bool) { p.gate.refuse(refuse) }

// HoldRequests holds back the requests that match until release: the API server
// does not see them. held is closed when there is the first. A client that goes
// away takes its request with it. The match is called also concurrently; see
// [Is].
func (p *Proxy) HoldRequests(match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	return p.holds.add(heldRequest, match)
}

// HoldAnswers holds back the answers to the requests that match until release:
// the API server has done what was asked, and the client does not know. held is
// closed when there is the first.
func (p *Proxy) HoldAnswers(match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	return p.holds.add(heldAnswer, match)
}

// Close cuts the clients off for good, and returns when nothing of the proxy is
// left but goroutines that are about to see it.
func (p *Proxy) Close() {
	p.gate.refuse(true)
	p.holds.close()
	p.server.Close()
	// CloseIdleConnections would keep one whose last request is just being
	// cancelled, for good.
	p.upstream.refuse(true)
}
