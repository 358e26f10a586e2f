package apply_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv/histories"
)

// interrupted returns a configuration that calls happen before the first write: the same
// as a race, but deterministic.
func interrupted(config *rest.Config, happen func() error) *rest.Config {
	return interruptedAt(config, 1, happen)
}

// interruptedAt returns a configuration that calls happen before the nth write.
func interruptedAt(config *rest.Config, write int32, happen func() error) *rest.Config {
	var writes atomic.Int32
	return intercepted(config, func(r *http.Request) error {
		if r.Method == http.MethodGet || writes.Add(1) != write {
			return nil
		}
		return happen()
	})
}

// audited returns a configuration that refuses an apply with force, or with a value that
// portside may not send, see [histories.Audit].
func audited(config *rest.Config) *rest.Config {
	return intercepted(config, func(r *http.Request) error {
		if r.Header.Get("Content-Type") != "application/apply-patch+yaml" {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if query := r.URL.Query(); query.Get("force") != "false" || query.Get("fieldManager") == "" {
			return fmt.Errorf("the query of an apply is %s", r.URL.RawQuery)
		}
		return histories.Audit(body)
	})
}

func intercepted(config *rest.Config, check func(*http.Request) error) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if err := check(r); err != nil {
				return nil, err
			}
			return next.RoundTrip(r)
		})
	})
	return config
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
