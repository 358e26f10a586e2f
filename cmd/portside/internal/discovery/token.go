package discovery

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"time"
)

// Where DittoFS gives tokens.
const (
	loginPath   = "/api/v1/auth/login"
	refreshPath = "/api/v1/auth/refresh"
)

const (
	// maxTokenBytes is how long the answer to a login may be.
	maxTokenBytes = 64 << 10
	// maxTokenLength is how long a token may be that is kept, in bytes. Servers
	// take no header that long.
	maxTokenLength = 8 << 10
	// renewBefore is how long before its expiry a token is renewed, unless
	// that is more than a quarter of its life.
	renewBefore = time.Minute
	// maxLife is the longest life of a token that is believed.
	maxLife = 365 * 24 * time.Hour
)

// session is what one pod has given us. Whoever holds its turn may use it.
type session struct {
	turn            chan struct{}
	access, refresh Secret
	// renewAt is when the token is to be renewed; zero when nobody said.
	renewAt time.Time
}

func newSession() *session { return &session{turn: make(chan struct{}, 1)} }

// take waits for the turn. Two questions to one pod go one after the other, so
// that there is one login between them.
func (s *session) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return givenUp(ctx, ctx.Err())
	}
}

func (s *session) release() { <-s.turn }

func (s *session) forget() { s.access, s.refresh, s.renewAt = Secret{}, Secret{}, time.Time{} }

// due tells that a question needs a new token before it is asked.
func (s *session) due(now time.Time) bool {
	return !s.access.isSet() || !s.renewAt.IsZero() && !now.Before(s.renewAt)
}

// token is the token to ask with; none without credentials.
func (c *Client) token(ctx context.Context, address netip.AddrPort, s *session) (Secret, error) {
	if c.logsIn() && s.due(c.options.Now()) {
		if err := c.renew(ctx, address, s); err != nil {
			return Secret{}, err
		}
	}
	if c.logsIn() {
		return s.access, nil
	}
	return c.credentials.token, nil
}

func (c *Client) logsIn() bool { return c.credentials.username.isSet() }

// renew gets a new token: by a refresh or, where the server answers that with
// anything but a token, by a login. Where it does not answer, it is not there
// for a login either.
func (c *Client) renew(ctx context.Context, address netip.AddrPort, s *session) error {
	if s.refresh.isSet() {
		err := c.obtain(ctx, address, s, refreshPath, map[string]string{"refresh_token": s.refresh.value()})
		switch ReasonOf(err) {
		case "":
			return nil
		case Timeout, Unreachable, Interrupted, TLSFailed, Canceled:
			return during("refreshing the token: ", err)
		}
	}
	s.forget() // so that a refused login is not tried twice for one question
	err := c.obtain(ctx, address, s, loginPath, map[string]string{
		"username": c.credentials.username.value(), "password": c.credentials.password.value(),
	})
	return during("logging in: ", err)
}

func during(what string, err error) error {
	if failed, ok := err.(*Error); ok { //nolint:errorlint // Only an error as it was made is to be added to.
		failed.during = what
	}
	return err
}

// obtain asks for a token and keeps it. A token of which the server does not
// say how long it lives is used until it is refused.
func (c *Client) obtain(ctx context.Context, address netip.AddrPort, s *session, path string, say map[string]string) error {
	body, err := json.Marshal(say)
	if err != nil {
		return &Error{Reason: CredentialsInvalid}
	}
	asked := c.options.Now()
	data, err := c.exchange(ctx, address, call{
		method: http.MethodPost, path: path, body: NewSecret(string(body)), most: maxTokenBytes,
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
		return &Error{Reason: Malformed, text: "the answer has no token"}
	}
	if len(given.Access) > maxTokenLength || len(given.Refresh) > maxTokenLength {
		return &Error{Reason: Malformed, text: "the answer has a token that is longer than 8 KiB"}
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

// lifeOf is how long a token lives, or 0. The seconds come first: they do not
// need two clocks to agree.
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
