package discovery

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/source"
)

// Options are the same for every target.
type Options struct {
	// Now is the clock by which tokens expire; time.Now where it is nil.
	Now func() time.Time
	// AllowLoopback is for tests and the demo, whose pods are servers of
	// their own process. No pod of a cluster has such an address.
	AllowLoopback bool
}

// Client asks the pods of one target, and keeps the tokens that they gave. It
// may be used by many at once.
type Client struct {
	endpoint    Endpoint
	credentials Credentials
	options     Options
	// roots returns the certificates to trust; nil means the system's. They are
	// parsed once, and kept behind a function as a [Secret] is.
	roots func() *x509.CertPool
	// places bounds the questions of all clients, by namespace.
	places    *places
	namespace string

	mu       sync.Mutex
	sessions map[Pod]*session
}

// NewClient makes a client that shares its bound on questions with no other: see
// [Clients]. Its errors are an [Error] with the reason EndpointInvalid or
// CredentialsInvalid.
func NewClient(endpoint Endpoint, credentials Credentials, options Options) (*Client, error) {
	return newClient(endpoint, credentials, options, newPlaces(), "")
}

func newClient(endpoint Endpoint, credentials Credentials, options Options, places *places, namespace string) (*Client, error) {
	if err := endpoint.check(); err != nil {
		return nil, err
	}
	roots, err := credentials.roots()
	if err != nil {
		return nil, err
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Client{
		endpoint: endpoint, credentials: credentials, options: options,
		roots: func() *x509.CertPool { return roots }, places: places, namespace: namespace,
		sessions: map[Pod]*session{},
	}, nil
}

// Answer is what one pod answered: its active adapters.
type Answer struct {
	Pod      string
	Adapters []apply.Adapter
}

// Ask asks one pod. Its errors are an [Error].
func (c *Client) Ask(ctx context.Context, pod Pod) (Answer, error) {
	adapters, err := c.ask(ctx, pod)
	if err != nil {
		return Answer{}, named(pod.Name, err)
	}
	return Answer{Pod: pod.Name, Adapters: adapters}, nil
}

func named(pod string, err error) *Error {
	failed, ok := err.(*Error) //nolint:errorlint // Only an error as it was made is to be added to.
	if !ok {
		failed = &Error{Reason: Malformed}
	}
	failed.Pod = pod
	return failed
}

func (c *Client) ask(ctx context.Context, pod Pod) ([]apply.Adapter, error) {
	address, err := addressOf(pod, c.options.AllowLoopback)
	if err != nil {
		return nil, err
	}
	if err := c.places.take(ctx, c.namespace); err != nil {
		return nil, err
	}
	defer c.places.release(c.namespace)
	ctx, cancel := context.WithTimeout(ctx, c.endpoint.Timeout)
	defer cancel()
	s := c.session(pod)
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.release()

	body, err := c.list(ctx, address, s)
	if ReasonOf(err) == Unauthorized && s.access.isSet() {
		if err := c.renew(ctx, address, s); err != nil {
			return nil, err
		}
		if body, err = c.list(ctx, address, s); ReasonOf(err) == Unauthorized {
			s.forget()
		}
	}
	if err != nil {
		return nil, err
	}
	// What is wrong with the list is left out: it quotes types, and counts
	// bytes, which differ from answer to answer.
	listed, err := source.Parse("", body)
	if err != nil {
		return nil, &Error{Reason: Malformed}
	}
	return source.Active(listed), nil
}

func (c *Client) list(ctx context.Context, address netip.AddrPort, s *session) ([]byte, error) {
	token, err := c.token(ctx, address, s)
	if err != nil {
		return nil, err
	}
	return c.exchange(ctx, address, call{
		method: http.MethodGet, path: c.endpoint.Path, token: token, most: source.MaxBodyBytes,
	})
}

func (c *Client) session(pod Pod) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known := c.sessions[pod]
	if !known {
		s = newSession()
		c.sessions[pod] = s
	}
	return s
}
