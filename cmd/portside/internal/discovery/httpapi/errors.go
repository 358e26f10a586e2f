package httpapi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// ofStatus returns the error of a status, nil for 200.
func ofStatus(code int) error {
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return &discovery.Error{Reason: discovery.Unauthorized}
	case http.StatusForbidden:
		return &discovery.Error{Reason: discovery.Forbidden}
	case http.StatusNotFound:
		return &discovery.Error{Reason: discovery.NotFound}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return &discovery.Error{Reason: discovery.Redirected}
	}
	if code >= http.StatusInternalServerError {
		return &discovery.Error{Reason: discovery.ServerError, Message: fmt.Sprintf("the server failed (status %d)", code)}
	}
	return &discovery.Error{Reason: discovery.UnexpectedStatus, Message: fmt.Sprintf("the server answered with status %d instead of 200", code)}
}

// unusable returns the error of an answer that cannot be read. The text of err is left
// out: it quotes types, and counts bytes, which differ from answer to answer.
func (c *Client) unusable(ctx context.Context, err error) error {
	_, isMapping := errors.AsType[mappingError](err)
	switch {
	case isMapping && ctx.Err() != nil:
		return canceled(ctx, ctx.Err())
	case errors.Is(err, expression.ErrTooExpensive):
		return &discovery.Error{Reason: discovery.ExpressionFailed, Message: expression.ErrTooExpensive.Error()}
	case isMapping:
		return &discovery.Error{Reason: discovery.ExpressionFailed}
	case c.program != nil:
		return &discovery.Error{Reason: discovery.Malformed, Message: "the answer is not JSON"}
	}
	return &discovery.Error{Reason: discovery.Malformed}
}

// canceled returns the error of a question that ended before its answer, or nil.
// The deadline of a connection may pass a moment before that of its context.
func canceled(ctx context.Context, err error) error {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &discovery.Error{Reason: discovery.Canceled}
	case ctx.Err() != nil || ok && timeout.Timeout():
		return &discovery.Error{Reason: discovery.Timeout}
	}
	return nil
}

// unconnected classifies why no connection was made.
func unconnected(ctx context.Context, err error) error {
	if ended := canceled(ctx, err); ended != nil {
		return ended
	}
	return &discovery.Error{Reason: discovery.Unreachable}
}

// broken classifies what went wrong on a connection. An [discovery.Error] is
// returned as it is.
func broken(ctx context.Context, err error, otherwise discovery.Reason) error {
	if ended := canceled(ctx, err); ended != nil {
		return ended
	}
	if known, ok := errors.AsType[*discovery.Error](err); ok {
		return known
	}
	if text := ofCertificate(err); text != "" {
		return &discovery.Error{Reason: discovery.TLSFailed, Message: text}
	}
	_, bySystem := errors.AsType[syscall.Errno](err)
	_, byNetwork := errors.AsType[*net.OpError](err)
	switch {
	case bySystem || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed):
		return &discovery.Error{Reason: discovery.Interrupted}
	case byNetwork: // crypto/tls returns alerts, sent and received, in a net.OpError
		return &discovery.Error{Reason: discovery.TLSFailed}
	}
	return &discovery.Error{Reason: otherwise}
}

// ofCertificate returns what is wrong with a certificate, and nothing of what is
// in it. It is empty for other errors.
func ofCertificate(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the server's certificate has expired, or is not valid yet"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the server's certificate is from an authority that neither the system nor ca.crt knows"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the server's certificate is for another name than serverName or, without one, the pod's address"
	}
	return ""
}
