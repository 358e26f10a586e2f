package httpapi

import (
	"crypto/x509"
	"strings"
	"unicode/utf8"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// The keys of a Secret with credentials. The operator of DittoFS writes
// access-token.
const (
	keyToken    = "access-token"
	keyUsername = "username"
	keyPassword = "password"
	keyCA       = "ca.crt"
)

// maxCABytes is how long ca.crt may be: some forty certificates.
const maxCABytes = 64 << 10

// Credentials are what a target's Secret has: a token, a username and its password, or
// both, or neither; and certificates to trust in addition to the system's. The zero
// value has none of these.
type Credentials struct {
	token, username, password Secret
	// ca is a Secret too: people paste keys along with certificates.
	ca Secret
}

// ReadCredentials reads the data of a Secret: access-token, or username and
// password, or both; and ca.crt, which may be the only one. White space around a token is
// dropped, a password is used as it is. Its errors are a [discovery.Error] with
// the reason CredentialsMissing or CredentialsInvalid.
func ReadCredentials(data map[string][]byte) (Credentials, error) {
	c := Credentials{
		token:    NewSecret(strings.TrimSpace(string(data[keyToken]))),
		username: NewSecret(string(data[keyUsername])),
		password: NewSecret(string(data[keyPassword])),
		ca:       NewSecret(string(data[keyCA])),
	}
	if err := c.check(); err != nil {
		return Credentials{}, err
	}
	return c, nil
}

func (c Credentials) check() error {
	missing := func(text string) error { return &discovery.Error{Reason: discovery.CredentialsMissing, Message: text} }
	invalid := func(text string) error { return &discovery.Error{Reason: discovery.CredentialsInvalid, Message: text} }
	switch {
	case !c.token.isSet() && !c.username.isSet() && !c.password.isSet() && !c.ca.isSet():
		return missing("the Secret has no access-token, and no username and password")
	case c.username.isSet() && !c.password.isSet():
		return missing("the Secret has a username and no password")
	case c.password.isSet() && !c.username.isSet():
		return missing("the Secret has a password and no username")
	case c.token.isSet() && !isToken(c.token.value()):
		return invalid("the Secret's access-token has characters that no token has")
	case !utf8.ValidString(c.username.value()) || !utf8.ValidString(c.password.value()):
		return invalid("the Secret's username and password must be UTF-8")
	case len(c.ca.value()) > maxCABytes:
		return invalid("the Secret's ca.crt is longer than 64 KiB")
	}
	return nil
}

// isToken reports whether a text can be sent in a header: visible ASCII.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Equal reports whether both are the same.
func (c Credentials) Equal(other Credentials) bool {
	return c.token.Equal(other.token) && c.username.Equal(other.username) &&
		c.password.Equal(other.password) && c.ca.Equal(other.ca)
}

// roots returns the certificates to trust: the system's, and those of ca.crt.
// Without ca.crt it is nil, which means the system's. Its error is a
// [discovery.Error] with the reason CredentialsInvalid.
func (c Credentials) roots() (*x509.CertPool, error) {
	if !c.ca.isSet() {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(c.ca.value())) {
		return nil, &discovery.Error{Reason: discovery.CredentialsInvalid, Message: "the Secret's ca.crt has no certificate in PEM"}
	}
	return pool, nil
}
