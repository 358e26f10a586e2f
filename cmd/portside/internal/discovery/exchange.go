package discovery

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
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
	token        Secret
	// body is JSON, or empty.
	body Secret
	// most is how long the answer's body may be, in bytes.
	most int64
}

// exchange sends one request over a connection of its own and gives the body
// of a 200. Nothing else of an answer leaves it.
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
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	limited := &io.LimitedReader{R: conn, N: maxHeadBytes}
	body, err := answer(conn, limited, request, call.most)
	switch failed, ok := errors.AsType[*Error](err); {
	case ok:
		return nil, failed
	case err != nil && limited.N <= 0:
		return nil, &Error{Reason: TooLarge}
	case err != nil:
		return nil, broken(ctx, err, Malformed)
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, address netip.AddrPort, call call) (*http.Request, error) {
	target, err := url.ParseRequestURI(call.path)
	if err != nil {
		return nil, &Error{Reason: EndpointInvalid}
	}
	target.Scheme, target.Host = strings.ToLower(string(c.endpoint.Scheme)), c.host(address)
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), strings.NewReader(call.body.value()))
	if err != nil {
		return nil, &Error{Reason: EndpointInvalid}
	}
	request.Close = true
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "portside")
	if call.body.isSet() {
		request.Header.Set("Content-Type", "application/json")
	}
	if call.token.isSet() {
		request.Header.Set("Authorization", "Bearer "+call.token.value())
	}
	return request, nil
}

// host is the name by which the server is spoken to, which is not where the
// connection goes.
func (c *Client) host(address netip.AddrPort) string {
	if c.endpoint.Scheme == v1alpha1.SchemeHTTPS && c.endpoint.ServerName != "" {
		_, port, _ := net.SplitHostPort(address.String())
		return net.JoinHostPort(c.endpoint.ServerName, port)
	}
	return address.String()
}

func (c *Client) connect(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, unconnected(ctx, err)
	}
	if c.endpoint.Scheme == v1alpha1.SchemeHTTP {
		return conn, nil
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
		return nil, broken(ctx, err, TLSFailed)
	}
	limited.left = math.MaxInt // exchange bounds what is read from here on
	return secured, nil
}

// limitedConn is a connection of which no more is read than what is left.
type limitedConn struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, &Error{Reason: TooLarge}
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// answer sends the request and reads what comes back, and of the body at most that
// many bytes. Its errors are an Error where the answer says so itself.
func answer(to io.Writer, from *io.LimitedReader, request *http.Request, most int64) ([]byte, error) {
	if err := request.Write(to); err != nil {
		return nil, err
	}
	response, err := final(bufio.NewReader(from), request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if err := ofStatus(response.StatusCode); err != nil {
		return nil, err
	}
	response.Header = nil // so that it takes no memory beside the body
	from.N += most
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > most {
		return nil, &Error{Reason: TooLarge}
	}
	return body, nil
}

// final is the first response that is not an interim one.
func final(from *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(from, request)
		if err != nil {
			return nil, err
		}
		if code := response.StatusCode; code >= 200 || code == http.StatusSwitchingProtocols {
			return response, nil
		}
		_ = response.Body.Close()
	}
}
