package discovery

import "sync"

// Clients keeps the client of each target, and so its tokens, from one poll to
// the next, and bounds the questions of all of them together. It may be used by
// many at once.
type Clients struct {
	options Options
	places  *places

	mu       sync.Mutex
	byTarget map[string]*Client
}

// NewClients makes the clients of a process.
func NewClients(options Options) *Clients {
	return &Clients{options: options, places: newPlaces(), byTarget: map[string]*Client{}}
}

// For returns the client of a target of a namespace, by a name that only it has.
// When the endpoint or the credentials are not those of the last time it is a new
// one, without the tokens of the old. Its errors are those of [NewClient].
func (c *Clients) For(namespace, target string, endpoint Endpoint, credentials Credentials) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.byTarget[target]; ok && known.endpoint == endpoint && known.credentials.Equal(credentials) {
		return known, nil
	}
	delete(c.byTarget, target)
	client, err := newClient(endpoint, credentials, c.options, c.places, namespace)
	if err != nil {
		return nil, err
	}
	c.byTarget[target] = client
	return client, nil
}

// Forget drops what is kept of a target that is no longer asked.
func (c *Clients) Forget(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byTarget, target)
}
