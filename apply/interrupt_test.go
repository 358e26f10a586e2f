package apply_test

import (
	"net/http"
	"sync"

	"k8s.io/client-go/rest"
)

// interrupted is a configuration whose first write waits until something else
// has happened: the race of a look that is out of date, without a race.
func interrupted(config *rest.Config, happen func() error) *rest.Config {
	config = rest.CopyConfig(config)
	var once sync.Once
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			var err error
			if r.Method != http.MethodGet {
				once.Do(func() { err = happen() })
			}
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(r)
		})
	})
	return config
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
