package httpapi

import (
	"crypto/sha256"
	"crypto/x509"
	"maps"
	"sync"
	"time"
	"weak"

	"k8s.io/apimachinery/pkg/types"
)

// Options are the same for every target.
type Options struct {
	// Now is the clock by which tokens expire; time.Now if it is nil.
	Now func() time.Time
	// AllowLoopback allows pods with loopback addresses, which no pod of a
	// cluster has. It is for tests and the demo, whose pods are servers of
	// their own process.
	AllowLoopback bool
}

// Clients keeps the client of each target, and so its tokens, from one poll to
// the next. It is safe for concurrent use.
type Clients struct {
	options Options

	mu   sync.Mutex
	kept map[types.UID]*Client
	// roots has the certificates to trust, by the hash of ca.crt. With those of
	// the system they take some 26 KiB, and most targets have the same.
	roots map[[sha256.Size]byte]weak.Pointer[x509.CertPool]
}

// NewClients returns the clients of a process.
func NewClients(options Options) *Clients {
	return &Clients{options: options, kept: map[types.UID]*Client{}, roots: map[[sha256.Size]byte]weak.Pointer[x509.CertPool]{}}
}

// For returns the client of a workload. When the endpoint or the credentials are
// not those of the last time, it is a new one, without the tokens of the old. Its
// errors are a [discovery.Error] with the reason EndpointInvalid or
// CredentialsInvalid.
func (c *Clients) For(workload types.UID, endpoint Endpoint, credentials Credentials) (*Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.kept[workload]; ok && known.endpoint == endpoint && known.credentials.Equal(credentials) {
		return known, nil
	}
	delete(c.kept, workload)
	roots, err := c.rootsOf(credentials)
	if err != nil {
		return nil, err
	}
	client, err := newClient(endpoint, credentials, roots, c.options)
	if err != nil {
		return nil, err
	}
	if client.logsIn() || credentials.ca.isSet() { // else there is nothing to keep
		c.kept[workload] = client
	}
	return client, nil
}

// rootsOf returns the certificates to trust, which clients with the same ca.crt
// share.
func (c *Clients) rootsOf(credentials Credentials) (*x509.CertPool, error) {
	key := sha256.Sum256([]byte(credentials.ca.value()))
	if shared := c.roots[key].Value(); shared != nil {
		return shared, nil
	}
	roots, err := credentials.roots()
	if err != nil || roots == nil {
		return nil, err
	}
	maps.DeleteFunc(c.roots, func(_ [sha256.Size]byte, unused weak.Pointer[x509.CertPool]) bool { return unused.Value() == nil })
	c.roots[key] = weak.Make(roots)
	return roots, nil
}

// Forget drops what is kept of a workload that is no longer asked.
func (c *Clients) Forget(workload types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.kept, workload)
}
