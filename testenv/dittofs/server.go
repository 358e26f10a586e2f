package dittofs

import (
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
)

// The paths that a server knows.
const (
	LoginPath    = "/api/v1/auth/login"
	RefreshPath  = "/api/v1/auth/refresh"
	AdaptersPath = "/api/v1/adapters"
	// PortsPath lists the same adapters, with only the fields that discovery reads. Any
	// logged-in user may read it.
	PortsPath = "/api/v1/adapters/ports"
	// SettingsPath has the settings of nfs, some of which are listeners that no list
	// has: the portmapper, UDP and mDNS.
	SettingsPath = "/api/v1/adapters/nfs/settings"
)

// Options are what a server has from its start to its end.
type Options struct {
	// Username and Password are the ones to log in with. Without a username no
	// token is asked for.
	Username, Password string
	// PortsOnly denies the user [AdaptersPath], for which a server asks for the role
	// operator or admin.
	PortsOnly bool
	// ServerName is the name in the server's certificates. Without it the pods
	// serve plain HTTP.
	ServerName string
	// Now is the clock that tokens expire by; time.Now by default.
	Now func() time.Time
}

// Behavior is how a server answers at a time.
type Behavior struct {
	// Login, Refresh and List are statuses to answer with instead of a token or of
	// the adapters; 0 is the usual answer.
	Login, Refresh, List int
	// TokenLife is how long new tokens are valid, and ExpiresAt says so in place of
	// expires_in. A token of life 0 does not expire, and the answer does not say.
	TokenLife time.Duration
	ExpiresAt bool
	// Expired has the certificate expired.
	Expired bool
}

// Server is a fake DittoFS server. Its methods are safe for concurrent use.
type Server struct {
	options      Options
	certificates certificates

	mu       sync.Mutex
	behavior Behavior
	answers  map[string]http.HandlerFunc // by PodKey; "" is every other pod's
	first    http.HandlerFunc            // of the next pod that starts
	tokens   map[string]time.Time        // by Authorization header: when it expires, zero for never
	issued   int
	calls    []string
	counts   map[string]int // by path
	refused  int
}

// New returns a server that answers an empty list, and gives tokens of 15 minutes.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		options: o, behavior: Behavior{TokenLife: 15 * time.Minute},
		answers: map[string]http.HandlerFunc{"": Body("[]")}, tokens: map[string]time.Time{}, counts: map[string]int{},
	}
	if o.ServerName == "" {
		return s, nil
	}
	var err error
	s.certificates, err = newCertificates(o.ServerName)
	return s, err
}

// Answer answers the questions of these pods in this way from now on, by their
// [PodKey]; without any, those of every pod that has no answer of its own.
func (s *Server) Answer(with http.HandlerFunc, pods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(pods) == 0 {
		pods = []string{""}
	}
	for _, pod := range pods {
		s.answers[pod] = with
	}
}

// AnswerFirst answers the first question to the next pod that starts in this way.
func (s *Server) AnswerFirst(with http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = with
}

// Recover ends every fault and answers the questions of all pods in this way.
func (s *Server) Recover(with http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behavior = Behavior{TokenLife: s.behavior.TokenLife}
	s.answers, s.first = map[string]http.HandlerFunc{"": with}, nil
}

// Behave changes how the server answers.
func (s *Server) Behave(change func(*Behavior)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.behavior)
}

// Revoke makes every token invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Accept makes a token valid that the server has not issued.
func (s *Server) Accept(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens["Bearer "+token] = time.Time{}
}

// Calls returns the requests since the last call of Calls, as "GET /api/v1/adapters".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Count returns the number of requests for a path.
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[path]
}

// Refused returns the number of questions that were refused for their token.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// PodServer serves the API in pods, at port 8080.
func (s *Server) PodServer() testenv.PodServer {
	server := testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
		s.mu.Lock()
		defer s.mu.Unlock()
		handler := s.handler(PodKey(pod), s.first)
		s.first = nil
		return handler
	}}
	if s.options.ServerName != "" {
		server.TLS = s.tlsConfig()
	}
	return server
}

// PodKey names a pod and the one that takes its place: pods of a DaemonSet by their
// node, others by their name.
func PodKey(pod *corev1.Pod) string {
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind == "DaemonSet" {
		return pod.Spec.NodeName
	}
	return pod.Name
}
