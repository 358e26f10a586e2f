package httpapi

import (
	"context"
	"crypto/x509"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// Client asks the pods of one target, and keeps the tokens that they gave. It is
// safe for concurrent use.
type Client struct {
	endpoint    Endpoint
	program     *expression.Program // nil where the answer is the list
	credentials Credentials
	options     Options
	// roots returns the certificates to trust; nil means the system's. They are
	// parsed once, and kept behind a function as a [Secret] is.
	roots func() *x509.CertPool

	mu       sync.Mutex
	sessions map[discovery.Pod]*session
}

func newClient(endpoint Endpoint, program *expression.Program, credentials Credentials, roots *x509.CertPool, options Options) *Client {
	return &Client{
		endpoint: endpoint, program: program, credentials: credentials, options: options,
		roots: func() *x509.CertPool { return roots }, sessions: map[discovery.Pod]*session{},
	}
}

// Ask returns the active adapters of one pod. Its errors are a [discovery.Error].
func (c *Client) Ask(ctx context.Context, pod discovery.Pod) ([]apply.Adapter, error) {
	address, err := addressOf(pod, c.options.AllowLoopback)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.endpoint.Timeout)
	defer cancel()
	s := c.session(pod)
	s.mu.Lock()
	defer s.mu.Unlock()

	body, err := c.list(ctx, address, s)
	if discovery.ReasonOf(err) == discovery.Unauthorized && s.access.isSet() {
		if err := c.renew(ctx, address, s); err != nil {
			return nil, err
		}
		if body, err = c.list(ctx, address, s); discovery.ReasonOf(err) == discovery.Unauthorized {
			s.forget()
		}
	}
	if err != nil {
		return nil, err
	}
	listed, err := Parse(ctx, "", body, c.program)
	if err != nil {
		return nil, c.unusable(ctx, err)
	}
	return Active(listed), nil
}

func (c *Client) list(ctx context.Context, address netip.AddrPort, s *session) ([]byte, error) {
	authorization, err := c.authorization(ctx, address, s)
	if err != nil {
		return nil, err
	}
	return c.exchange(ctx, address, call{
		method: http.MethodGet, path: c.endpoint.Path, authorization: authorization, most: MaxBodyBytes,
	})
}

// session returns the session with a pod. It is kept only if there are tokens to
// keep.
func (c *Client) session(pod discovery.Pod) *session {
	if !c.logsIn() {
		return &session{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known := c.sessions[pod]
	if !known {
		s = &session{}
		c.sessions[pod] = s
	}
	return s
}

// keepOnly drops the sessions with other pods.
func (c *Client) keepOnly(pods []discovery.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.sessions, func(pod discovery.Pod, _ *session) bool { return !slices.Contains(pods, pod) })
}
