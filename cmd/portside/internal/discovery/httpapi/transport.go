package httpapi

import (
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

const (
	// maxHeadBytes is how long the head of an answer may be, interim answers
	// included. Headers take many times their length in memory.
	maxHeadBytes = 16 << 10
	// maxHandshakeBytes is how much of a TLS handshake is read. Certificates are
	// parsed before they are checked, and take many times their length too.
	maxHandshakeBytes = 32 << 10
)

// call is one request.
type call struct {
	method, path string
	// authorization is the value of that header, or empty.
	authorization Secret
	// body is JSON, or empty.
	body Secret
	// most is how long the body of the answer may be, in bytes.
	most int64
}

// exchange sends one request over a connection of its own and returns the body
// of a 200. It returns nothing else of an answer.
func (c *Client) exchange(ctx context.Context, address netip.AddrPort, call call) ([]byte, error) {
	request, err := c.request(ctx, address, call)
	if err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// The connection is there already, secured if it has to be, so the transport
	// has nothing to look up, no proxy to use and nothing to connect to again.
	transport := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeadBytes,
	}
	response, err := transport.RoundTrip(request)
	switch {
	case err != nil && conn.received.Load() >= maxHeadBytes:
		return nil, &discovery.Error{Reason: discovery.TooLarge}
	case err != nil:
		return nil, broken(ctx, err, discovery.Malformed)
	}
	defer response.Body.Close()
	if err := ofStatus(response.StatusCode); err != nil {
		return nil, err
	}
	response.Header = nil // so that it does not take memory while the body is read
	body, err := io.ReadAll(io.LimitReader(response.Body, call.most+1))
	switch {
	case err != nil:
		return nil, broken(ctx, err, discovery.Malformed)
	case int64(len(body)) > call.most:
		return nil, &discovery.Error{Reason: discovery.TooLarge}
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, address netip.AddrPort, call call) (*http.Request, error) {
	target, err := url.ParseRequestURI(call.path)
	if err != nil {
		return nil, &discovery.Error{Reason: discovery.EndpointInvalid}
	}
	target.Scheme, target.Host = "http", c.host(address) // what is sent is the same over TLS
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), strings.NewReader(call.body.value()))
	if err != nil {
		return nil, &discovery.Error{Reason: discovery.EndpointInvalid}
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "portside")
	if call.body.isSet() {
		request.Header.Set("Content-Type", "application/json")
	}
	if call.authorization.isSet() {
		request.Header.Set("Authorization", call.authorization.value())
	}
	return request, nil
}

// host returns the name by which the server is addressed. The connection still goes
// to the pod's address.
func (c *Client) host(address netip.AddrPort) string {
	if c.endpoint.Scheme == v1alpha1.SchemeHTTPS && c.endpoint.ServerName != "" {
		_, port, _ := net.SplitHostPort(address.String())
		return net.JoinHostPort(c.endpoint.ServerName, port)
	}
	return address.String()
}

// connect connects to a pod, over TLS if the endpoint says so.
func (c *Client) connect(ctx context.Context, address netip.AddrPort) (*requestConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, unconnected(ctx, err)
	}
	if c.endpoint.Scheme == v1alpha1.SchemeHTTP {
		return newRequestConn(conn), nil
	}
	name := c.endpoint.ServerName
	if name == "" {
		name = address.Addr().String()
	}
	limited := &limitedConn{Conn: conn, left: maxHandshakeBytes}
	secured := tls.Client(limited, &tls.Config{
		ServerName: name,
		RootCAs:    c.roots(),
		MinVersion: tls.VersionTLS12,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, broken(ctx, err, discovery.TLSFailed)
	}
	limited.left = math.MaxInt // exchange bounds what is read from here on
	return newRequestConn(secured), nil
}

// limitedConn is a connection of which no more is read than what is left.
type limitedConn struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, &discovery.Error{Reason: discovery.TooLarge}
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// requestConn is a connection for one request. Nothing is read before the request
// is sent: net/http logs what a server sends before.
type requestConn struct {
	net.Conn
	received atomic.Int64 // bytes
	ready    chan struct{}
	unblock  func()
}

func newRequestConn(conn net.Conn) *requestConn {
	ready := make(chan struct{})
	return &requestConn{Conn: conn, ready: ready, unblock: sync.OnceFunc(func() { close(ready) })}
}

// Write implements net.Conn.
func (c *requestConn) Write(b []byte) (int, error) {
	c.unblock()
	return c.Conn.Write(b)
}

// Read implements net.Conn.
func (c *requestConn) Read(b []byte) (int, error) {
	<-c.ready
	n, err := c.Conn.Read(b)
	c.received.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *requestConn) Close() error {
	c.unblock()
	return c.Conn.Close()
}
