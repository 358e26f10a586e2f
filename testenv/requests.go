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

	"k8s.io/client-go/rest"
)

// The verbs by which requests are counted.
const (
	VerbGet    = "GET"   // of one object, or of one of its subresources
	VerbList   = "LIST"  // of a collection
	VerbWatch  = "WATCH" // of a collection
	VerbApply  = "APPLY" // a PATCH that is a server-side apply
	VerbPatch  = "PATCH" // any other PATCH
	VerbPut    = "PUT"
	VerbPost   = "POST"
	VerbDelete = "DELETE"
	// VerbDiscovery is a GET of what the server serves (/api, /apis/…, /openapi,
	// /version). It is counted separately, because a client that caches it asks
	// once.
	VerbDiscovery = "DISCOVERY"
)

// Requests counts the requests of clients, each attempt separately. The zero value
// is ready and safe for concurrent use; it must not be copied.
type Requests struct {
	mu        sync.Mutex
	counts    map[string]int
	conflicts map[string]int // by resource
	log       []requestLine
	bytes     atomic.Int64
}

// requestLine is a request.
type requestLine struct{ verb, resource, uri string }

func (l requestLine) String() string { return l.verb + " " + l.uri }

// Wrap returns a copy of the configuration whose clients' requests are counted.
func (r *Requests) Wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r.counted(request))
			if err == nil && answer.StatusCode == http.StatusConflict {
				r.refused(request)
			}
			return answer, err
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

// CountOf returns the number of requests with a verb for a resource, such as
// "leases", or for a subresource, such as "pods/status".
func (r *Requests) CountOf(verb, resource string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for _, line := range r.log {
		if line.verb == verb && line.resource == resource {
			count++
		}
	}
	return count
}

// Conflicts returns the number of requests for a resource that were answered with 409.
func (r *Requests) Conflicts(resource string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conflicts[resource]
}

func (r *Requests) refused(request *http.Request) {
	_, resource := verbAndResource(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conflicts == nil {
		r.conflicts = map[string]int{}
	}
	r.conflicts[resource]++
}

// Except returns the requests that are not allowed, as String lists them. Each of
// allowed is a verb and a resource, "PUT leases"; discovery has no resource,
// "DISCOVERY".
func (r *Requests) Except(allowed ...string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	others := []string{}
	for _, line := range r.log {
		if !slices.Contains(allowed, strings.TrimSpace(line.verb+" "+line.resource)) {
			others = append(others, line.String())
		}
	}
	return others
}

// Total returns the number of requests except those for discovery.
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

// BytesSent returns the size of all bodies sent, in bytes, before compression and
// encryption of the connection.
func (r *Requests) BytesSent() int64 { return r.bytes.Load() }

// Reset begins to count from zero.
func (r *Requests) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.counts)
	clear(r.conflicts)
	r.log = nil
	r.bytes.Store(0)
}

// String lists the requests in the order in which they were sent, for error
// messages.
func (r *Requests) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var summary strings.Builder
	for _, verb := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(&summary, "%s %d; ", verb, r.counts[verb])
	}
	fmt.Fprintf(&summary, "%d bytes sent", r.BytesSent())
	for _, line := range r.log {
		summary.WriteString("\n" + line.String())
	}
	return summary.String()
}

// counted counts the request and returns a copy whose body counts its bytes,
// because a RoundTripper may not change its request.
func (r *Requests) counted(request *http.Request) *http.Request {
	verb, resource := verbAndResource(request)
	r.mu.Lock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[verb]++
	r.log = append(r.log, requestLine{verb, resource, request.URL.RequestURI()})
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
