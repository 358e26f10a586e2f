package testenv

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// The verbs that requests are counted by.
const (
	VerbGet    = "GET"   // of one object, or of one of its subresources
	VerbList   = "LIST"  // of a collection
	VerbWatch  = "WATCH" // of a collection
	VerbApply  = "APPLY" // a PATCH that is a server-side apply
	VerbPatch  = "PATCH" // any other PATCH
	VerbPut    = "PUT"
	VerbPost   = "POST"
	VerbDelete = "DELETE"
	// VerbDiscovery is a GET of what the server serves (/api, /apis/…,
	// /openapi, /version): a client that caches it asks once, so it is kept
	// apart from what a pass costs.
	VerbDiscovery = "DISCOVERY"
)

// Requests counts the requests that clients send, each attempt for itself. The
// zero value is ready, and safe for concurrent use; it must not be copied.
type Requests struct {
	mu     sync.Mutex
	counts map[string]int
	log    []string
	bytes  atomic.Int64
}

// Wrap returns a copy of the configuration whose clients are counted.
func (r *Requests) Wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			return next.RoundTrip(r.counted(request))
		})
	})
	return wrapped
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// Count returns the number of requests with a verb.
func (r *Requests) Count(verb string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[verb]
}

// Total returns the number of requests, without those of discovery.
func (r *Requests) Total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := 0
	for verb, n := range r.counts {
		if verb != VerbDiscovery {
			total += n
		}
	}
	return total
}

// Writes returns the number of requests that may change something.
func (r *Requests) Writes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[VerbApply] + r.counts[VerbPatch] + r.counts[VerbPut] + r.counts[VerbPost] + r.counts[VerbDelete]
}

// BytesSent returns the size of all bodies sent, in bytes, before any
// compression or encryption of the connection.
func (r *Requests) BytesSent() int64 { return r.bytes.Load() }

// Reset begins counting anew.
func (r *Requests) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.counts)
	r.log = nil
	r.bytes.Store(0)
}

// String lists the requests in the order in which they were sent, for the
// message of a test that expected others.
func (r *Requests) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var summary strings.Builder
	for _, verb := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(&summary, "%s %d; ", verb, r.counts[verb])
	}
	fmt.Fprintf(&summary, "%d bytes sent\n%s", r.BytesSent(), strings.Join(r.log, "\n"))
	return summary.String()
}

// counted counts the request and returns it with a body that counts its bytes.
// A RoundTripper may not change the request it is given, so that is a copy.
func (r *Requests) counted(request *http.Request) *http.Request {
	verb := verbOf(request)
	r.mu.Lock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[verb]++
	r.log = append(r.log, verb+" "+request.URL.RequestURI())
	r.mu.Unlock()
	if request.Body == nil || request.Body == http.NoBody {
		return request
	}
	copied := request.Clone(request.Context())
	copied.Body = &countingBody{request.Body, &r.bytes}
	return copied
}

type countingBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}

func verbOf(request *http.Request) string {
	switch request.Method {
	case http.MethodPatch:
		if strings.HasPrefix(request.Header.Get("Content-Type"), string(types.ApplyYAMLPatchType)) ||
			strings.HasPrefix(request.Header.Get("Content-Type"), string(types.ApplyCBORPatchType)) {
			return VerbApply
		}
		return VerbPatch
	case http.MethodGet, http.MethodHead:
		return readVerb(request)
	}
	return request.Method
}

// readVerb tells the reads of an API apart by the path, as the API conventions
// lay it out: /api/v1 or /apis/group/version, then namespaces/name if the
// resource lives in one, the resource, and the object's name.
func readVerb(request *http.Request) string {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return VerbDiscovery
	}
	if watch := request.URL.Query().Get("watch"); watch == "true" || watch == "1" {
		return VerbWatch
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) == 1 {
		return VerbList
	}
	return VerbGet
}
