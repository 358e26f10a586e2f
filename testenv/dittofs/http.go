package dittofs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ServeHTTP answers as a pod without a name does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, "", new(http.HandlerFunc))
}

// handler answers for a pod: its first question as first does, unless that is nil.
func (s *Server) handler(pod string, first http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, pod, &first) })
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, pod string, first *http.HandlerFunc) {
	if answer := s.route(r, pod, first); answer != nil {
		answer(w, r) // it may take long, and the server answers others meanwhile
	}
}

// route counts a request and returns its answer.
func (s *Server) route(r *http.Request, pod string, first *http.HandlerFunc) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	s.counts[r.URL.Path]++
	switch {
	case r.Method == http.MethodPost && r.URL.Path == LoginPath:
		return s.login(r)
	case r.Method == http.MethodPost && r.URL.Path == RefreshPath:
		return s.refresh(r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, AdaptersPath):
		return s.list(r, pod, first)
	}
	return http.NotFound
}

func (s *Server) login(r *http.Request) http.HandlerFunc {
	sent, malformed := body(r)
	if malformed != nil {
		return malformed
	}
	if s.behavior.Login != 0 {
		return s.problem(s.behavior.Login)
	}
	if sent["username"] != s.options.Username || sent["password"] != s.options.Password {
		return s.problem(http.StatusUnauthorized)
	}
	return s.issue()
}

func (s *Server) refresh(r *http.Request) http.HandlerFunc {
	sent, malformed := body(r)
	if malformed != nil {
		return malformed
	}
	if s.behavior.Refresh != 0 {
		return s.problem(s.behavior.Refresh)
	}
	if sent["refresh_token"] != s.token("refresh") {
		return s.problem(http.StatusUnauthorized)
	}
	return s.issue()
}

// body reads what a login or a refresh sends.
func body(r *http.Request) (sent map[string]string, malformed http.HandlerFunc) {
	if r.Header.Get("Content-Type") != "application/json" {
		return nil, Status(http.StatusUnsupportedMediaType)
	}
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		return nil, Status(http.StatusBadRequest)
	}
	return sent, nil
}

func (s *Server) list(r *http.Request, pod string, first *http.HandlerFunc) http.HandlerFunc {
	token := r.Header.Get("Authorization")
	expires, valid := s.tokens[token]
	valid = valid && (expires.IsZero() || s.options.Now().Before(expires))
	switch {
	case s.options.Username != "" && !valid, s.behavior.List == http.StatusUnauthorized:
		s.refused++
		return s.problem(http.StatusUnauthorized)
	case s.behavior.List != 0:
		return s.problem(s.behavior.List)
	case s.options.PortsOnly && r.URL.Path != PortsPath:
		return s.problem(http.StatusForbidden)
	case r.URL.Path == SettingsPath:
		return Recorded("settings-nfs-portmapper")
	}
	if *first != nil {
		answer := *first
		*first = nil
		return answer
	}
	if answer, own := s.answers[pod]; own {
		return answer
	}
	return s.answers[""]
}

// token returns the last token of a kind. It has the username in it, as error
// messages have, so that a test can look for either in what portside prints.
func (s *Server) token(kind string) string {
	return fmt.Sprintf("%s.%s-%d", s.options.Username, kind, s.issued)
}

// issue answers with a new token.
func (s *Server) issue() http.HandlerFunc {
	s.issued++
	life := s.behavior.TokenLife
	answer := map[string]any{
		"access_token": s.token("access"), "refresh_token": s.token("refresh"),
		"token_type": "Bearer", "user": map[string]string{"username": s.options.Username},
	}
	var expires time.Time
	if life > 0 {
		expires = s.options.Now().Add(life)
		if s.behavior.ExpiresAt {
			answer["expires_at"] = expires.Format(time.RFC3339)
		} else {
			answer["expires_in"] = int(life / time.Second)
		}
	}
	s.tokens["Bearer "+s.token("access")] = expires
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return Body(string(text))
}

// problem answers as DittoFS reports an error.
func (s *Server) problem(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q}`,
			http.StatusText(status), status, "request of "+s.options.Username))
	}
}
