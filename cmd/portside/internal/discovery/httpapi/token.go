package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

const (
	// maxTokenBytes is how long the answer to a login may be.
	maxTokenBytes = 64 << 10
	// maxTokenLength is how long a token may be, in bytes. Servers accept no
	// header that long.
	maxTokenLength = 8 << 10
	// renewBefore is how long before its expiry a token is renewed, but at most
	// a quarter of its life.
	renewBefore = time.Minute
	// maxLife bounds the life of a token, whatever the server says.
	maxLife = 365 * 24 * time.Hour
)

// session has the tokens of one pod. Its lock is held for a whole question, so that
// questions to one pod share a login. A question ends after its timeout at the
// latest, so none waits for longer.
type session struct {
	mu              sync.Mutex
	access, refresh Secret
	// renewAt is when the token is to be renewed; zero if the server did not say.
	renewAt time.Time
}

func (s *session) forget() { s.access, s.refresh, s.renewAt = Secret{}, Secret{}, time.Time{} }

// due reports whether a new token is needed before the next question.
func (s *session) due(now time.Time) bool {
	return !s.access.isSet() || !s.renewAt.IsZero() && !now.Before(s.renewAt)
}

// authorization returns the header to ask with, empty without credentials: that of a
// token that the pod gave, of the Secret's token, or of its username and password.
func (c *Client) authorization(ctx context.Context, address netip.AddrPort, s *session) (Secret, error) {
	switch {
	case c.logsIn():
		if s.due(c.options.Now()) {
			if err := c.renew(ctx, address, s); err != nil {
				return Secret{}, err
			}
		}
		return bearer(s.access), nil
	case c.credentials.token.isSet():
		return bearer(c.credentials.token), nil
	case strings.Contains(c.credentials.username.value(), ":"):
		return Secret{}, &discovery.Error{Reason: discovery.CredentialsInvalid, Message: "HTTP Basic allows no colon in the Secret's username"}
	case c.credentials.username.isSet():
		pair := c.credentials.username.value() + ":" + c.credentials.password.value()
		return NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(pair))), nil
	}
	return Secret{}, nil
}

func bearer(token Secret) Secret { return NewSecret("Bearer " + token.value()) }

// logsIn reports whether tokens are requested from the pods.
func (c *Client) logsIn() bool { return c.endpoint.LoginPath != "" && c.credentials.username.isSet() }

// refreshPath returns the path next to the one for logins. A server that has something
// else there refuses, and a login follows.
func (c *Client) refreshPath() string {
	login, _, _ := strings.Cut(c.endpoint.LoginPath, "?")
	return path.Join(path.Dir(login), "refresh")
}

// renew gets a new token: by a refresh or, if the server answers that with
// anything but a token, by a login. If it does not answer, a login would have no
// answer either.
func (c *Client) renew(ctx context.Context, address netip.AddrPort, s *session) error {
	if s.refresh.isSet() {
		err := c.obtain(ctx, address, s, c.refreshPath(), map[string]string{"refresh_token": s.refresh.value()})
		switch discovery.ReasonOf(err) {
		case "":
			return nil
		case discovery.Timeout, discovery.Unreachable, discovery.Interrupted, discovery.TLSFailed, discovery.Canceled:
			return during("refreshing the token: ", err)
		}
	}
	s.forget() // so that a refused login is not tried twice for one question
	err := c.obtain(ctx, address, s, c.endpoint.LoginPath, map[string]string{
		"username": c.credentials.username.value(), "password": c.credentials.password.value(),
	})
	return during("logging in: ", err)
}

// during returns an error that says what failed.
func during(what string, err error) error {
	failed, ok := errors.AsType[*discovery.Error](err)
	if !ok {
		return err
	}
	return &discovery.Error{Reason: failed.Reason, Message: what + failed.Text()}
}

// obtain requests a token and keeps it. If the server does not say how long the
// token lives, it is used until it is refused.
func (c *Client) obtain(ctx context.Context, address netip.AddrPort, s *session, at string, request map[string]string) error {
	body, err := json.Marshal(request)
	if err != nil {
		return &discovery.Error{Reason: discovery.CredentialsInvalid}
	}
	asked := c.options.Now()
	data, err := c.exchange(ctx, address, call{
		method: http.MethodPost, path: at, body: NewSecret(string(body)), most: maxTokenBytes,
	})
	if err != nil {
		return err
	}
	var given struct {
		Access    string `json:"access_token"`
		Refresh   string `json:"refresh_token"`
		ExpiresIn int64  `json:"expires_in"` // seconds
		ExpiresAt string `json:"expires_at"` // RFC 3339
	}
	if err := json.Unmarshal(data, &given); err != nil || !isToken(given.Access) {
		return &discovery.Error{Reason: discovery.Malformed, Message: "the answer has no token"}
	}
	if len(given.Access) > maxTokenLength || len(given.Refresh) > maxTokenLength {
		return &discovery.Error{Reason: discovery.Malformed, Message: "the answer has a token that is longer than 8 KiB"}
	}
	s.access, s.renewAt = NewSecret(given.Access), time.Time{}
	if given.Refresh != "" {
		s.refresh = NewSecret(given.Refresh)
	}
	if life := lifeOf(asked, given.ExpiresIn, given.ExpiresAt); life > 0 {
		s.renewAt = asked.Add(life - min(renewBefore, life/4))
	}
	return nil
}

// lifeOf returns how long a token lives, or 0 if that is unknown. The seconds come
// first: they do not need two clocks to agree.
func lifeOf(asked time.Time, seconds int64, at string) time.Duration {
	if seconds > 0 {
		return time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second
	}
	expires, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return 0
	}
	return min(expires.Sub(asked), maxLife)
}
