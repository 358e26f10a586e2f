package discovery

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// ofStatus is nil for 200.
func ofStatus(code int) error {
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return &Error{Reason: Unauthorized}
	case http.StatusForbidden:
		return &Error{Reason: Forbidden}
	case http.StatusNotFound:
		return &Error{Reason: NotFound}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return &Error{Reason: Redirected}
	}
	if code >= http.StatusInternalServerError {
		return &Error{Reason: ServerError, text: fmt.Sprintf("the server failed (status %d)", code)}
	}
	return &Error{Reason: UnexpectedStatus, text: fmt.Sprintf("the server answered status %d, where 200 is expected", code)}
}

// givenUp is the Error of a question that ended before its answer, or nil. The
// deadline of a connection may pass a moment before that of its context.
func givenUp(ctx context.Context, err error) error {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Reason: Canceled}
	case ctx.Err() != nil || ok && timeout.Timeout():
		return &Error{Reason: Timeout}
	}
	return nil
}

func unconnected(ctx context.Context, err error) error {
	if ended := givenUp(ctx, err); ended != nil {
		return ended
	}
	return &Error{Reason: Unreachable}
}

// broken classifies what went wrong on a connection. What is an Error already is
// returned as it is.
func broken(ctx context.Context, err error, otherwise Reason) error {
	if ended := givenUp(ctx, err); ended != nil {
		return ended
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if text := ofCertificate(err); text != "" {
		return &Error{Reason: TLSFailed, text: text}
	}
	// crypto/tls gives alerts, sent and received, as operations of these names.
	operation, failed := errors.AsType[*net.OpError](err)
	switch {
	case failed && (operation.Op == "remote error" || operation.Op == "local error"):
		return &Error{Reason: TLSFailed}
	case failed || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Reason: Interrupted}
	}
	return &Error{Reason: otherwise}
}

// ofCertificate says what is wrong with a certificate, and nothing of what is
// in it.
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
