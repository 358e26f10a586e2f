package httpapi

import (
	"crypto/sha256"
	"crypto/x509"
	"maps"
	"sync"
	"time"
	"weak"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// API asks the pods of targets over HTTP. It keeps the client of each target, and
// so its tokens, from one poll to the next, and is safe for concurrent use.
type API struct {
	options Options

	mu   sync.Mutex
	kept map[types.UID]*Client
	// roots has the certificates to trust, by the hash of ca.crt. With those of
	// the system they take some 26 KiB, and most targets have the same.
	roots map[[sha256.Size]byte]weak.Pointer[x509.CertPool]

	programs programs
}

// New returns an API that keeps nothing yet.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &API{options: o, kept: map[types.UID]*Client{}, roots: map[[sha256.Size]byte]weak.Pointer[x509.CertPool]{}}
}

// Client returns the client of a workload. When the endpoint or the credentials are
// not those of the last time, it is a new one, without the tokens of the old. Its
// errors are a [discovery.Error] with the reason EndpointInvalid, InvalidExpression or
// CredentialsInvalid.
func (a *API) Client(workload types.UID, endpoint Endpoint, credentials Credentials) (*Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.kept[workload]; ok && known.endpoint == endpoint && known.credentials.Equal(credentials) {
		return known, nil
	}
	delete(a.kept, workload)
	if err := endpoint.check(); err != nil {
		return nil, err
	}
	program, err := a.programs.of(endpoint.Expression)
	if err != nil {
		return nil, &discovery.Error{Reason: discovery.InvalidExpression, Message: err.Error()}
	}
	roots, err := a.rootsOf(credentials)
	if err != nil {
		return nil, err
	}
	client := newClient(endpoint, program, credentials, roots, a.options)
	if client.logsIn() || roots != nil { // else there is nothing to keep
		a.kept[workload] = client
	}
	return client, nil
}

// rootsOf returns the certificates to trust, which clients with the same ca.crt
// share.
func (a *API) rootsOf(credentials Credentials) (*x509.CertPool, error) {
	key := sha256.Sum256([]byte(credentials.ca.value()))
	if shared := a.roots[key].Value(); shared != nil {
		return shared, nil
	}
	roots, err := credentials.roots()
	if err != nil || roots == nil {
		return nil, err
	}
	maps.DeleteFunc(a.roots, func(_ [sha256.Size]byte, unused weak.Pointer[x509.CertPool]) bool { return unused.Value() == nil })
	a.roots[key] = weak.Make(roots)
	return roots, nil
}

// Forget implements [discovery.Forgetter].
func (a *API) Forget(workload types.UID) {
	a.options.Pods.Forget(workload)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, workload)
}
