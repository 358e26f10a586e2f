package controller

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/testenv"
)

const (
	serverName = "files.storage.svc"
	tokenLife  = 15 * time.Minute
)

// site plays the servers of a workload's pods: each asks for a login, as a
// DittoFS server does, and then answers as the test says.
type site struct {
	clock         clock.PassiveClock
	good, expired tls.Certificate

	mu       sync.Mutex
	answers  map[string]http.HandlerFunc // by pod, see keyOf; "" is every other one's
	tokens   map[string]time.Time        // until when they are good
	issued   int
	refusing bool // every login, and every token
	outdated bool // the certificate
	asked    map[string]int
	refused  int
}

func newSite(t *testing.T, c clock.PassiveClock) *site {
	return &site{
		clock: c, good: certificate(t, time.Hour), expired: certificate(t, -time.Minute),
		answers: map[string]http.HandlerFunc{}, tokens: map[string]time.Time{}, asked: map[string]int{},
	}
}

// pods are the servers, over TLS or not.
func (s *site) pods(https bool) testenv.PodServer {
	server := testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(keyOf(pod), w, r) })
	}}
	if https {
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.outdated {
				return &s.expired, nil
			}
			return &s.good, nil
		}}
	}
	return server
}

// keyOf names a pod, and the one that replaces it where that can be told: those
// of a DaemonSet by their node.
func keyOf(pod *corev1.Pod) string {
	if c := metav1.GetControllerOfNoCopy(pod); c != nil && c.Kind == "DaemonSet" {
		return pod.Spec.NodeName
	}
	return pod.Name
}

func (s *site) serve(pod string, w http.ResponseWriter, r *http.Request) {
	if answer := s.take(pod, w, r); answer != nil {
		answer(w, r)
	}
}

// take is what answers, nil if that is done.
func (s *site) take(pod string, w http.ResponseWriter, r *http.Request) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[r.URL.Path]++
	switch r.URL.Path {
	case "/api/v1/auth/login", "/api/v1/auth/refresh":
		s.give(w, r)
		return nil
	}
	until, issued := s.tokens[r.Header.Get("Authorization")]
	if s.refusing || !issued || !s.clock.Now().Before(until) {
		s.refused++
		http.Error(w, "Invalid or expired token", http.StatusUnauthorized)
		return nil
	}
	if answer, own := s.answers[pod]; own {
		return answer
	}
	return s.answers[""]
}

func (s *site) give(w http.ResponseWriter, r *http.Request) {
	var said map[string]string
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil || s.refusing || said["refresh_token"] == "" && said["password"] != "pass" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	s.issued++
	s.tokens[fmt.Sprintf("Bearer access-%d", s.issued)] = s.clock.Now().Add(tokenLife)
	_, _ = fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"refresh-%[1]d","expires_in":%d}`, s.issued, int(tokenLife/time.Second))
}

// say has pods answer so from now on; all that are not named elsewhere when none
// is.
func (s *site) say(answer http.HandlerFunc, pods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(pods) == 0 {
		pods = []string{""}
	}
	for _, pod := range pods {
		s.answers[pod] = answer
	}
}

// recover ends everything that is wrong, and has all pods answer so.
func (s *site) recover(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers)
	s.answers[""], s.refusing, s.outdated = answer, false, false
}

// have changes how the site is.
func (s *site) have(change func(s *site)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// was are the questions for a path so far, and those that were refused for
// their token.
func (s *site) was(path string) (asked, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path], s.refused
}

// recorded is what a DittoFS server answered.
func recorded(t *testing.T, name string) http.HandlerFunc {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "discovery", "httpapi", "testdata", "adapters-"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return says(string(body))
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func fails(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

// silent takes the question and does not answer it.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// certificate is one that vouches for itself, good until then.
func certificate(t *testing.T, until time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// authorities are the site's certificates, as the ca.crt of a Secret.
func (s *site) authorities() []byte {
	var both []byte
	for _, c := range []tls.Certificate{s.good, s.expired} {
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	return both
}
