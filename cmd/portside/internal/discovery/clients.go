package discovery

import "sync"

// Clients keeps the client of each target, and so its tokens, from one poll to
// the next. It may be used by many at once.
type Clients struct {
	options Options

	mu       sync.Mutex
	byTarget map[string]*Client
}

// NewClients makes the clients of a process.
func NewClients(options Options) *Clients {
	return &Clients{options: options, byTarget: map[string]*Client{}}
}

// For is the client of a target, by a name that only it has. When the endpoint
// or the credentials are not those of the last time it is a new one, without
// the tokens of the old. Its error is that of [NewClient].
func (c *Clients) For(target string, endpoint Endpoint, credentials Credentials) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.byTarget[target]; ok && known.endpoint == endpoint && known.credentials.Equal(credentials) {
		return known, nil
	}
	delete(c.byTarget, target)
	client, err := NewClient(endpoint, credentials, c.options)
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
