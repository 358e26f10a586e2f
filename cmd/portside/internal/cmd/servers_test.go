package cmd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// proxy is a proxy in front of the API server that records the methods of requests, and
// the resources that were patched.
type proxy struct {
	kubeconfig string
	mu         sync.Mutex
	methods    []string
	patched    []string
}

// patches returns the resources that were patched, in order.
func (p *proxy) patches() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.patched, " ")
}

func (p *proxy) requests() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.methods, " ")
}

func countingProxy(t *testing.T, config *rest.Config) *proxy {
	t.Helper()
	p := &proxy{}
	forward := forwarder(t, config)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.methods = append(p.methods, r.Method)
		if r.Method == http.MethodPatch {
			p.patched = append(p.patched, path.Base(path.Dir(r.URL.Path)))
		}
		p.mu.Unlock()
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.kubeconfig = kubeconfigFor(server.URL, nil)
	return p
}

// forwarder forwards requests to the API server as the configuration's user.
func forwarder(t *testing.T, config *rest.Config) http.Handler {
	t.Helper()
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
	}
}

// fakeServer gives every request the same answer.
func fakeServer(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return file(t, "kubeconfig", kubeconfigFor(server.URL, nil))
}

// silentServer accepts connections and never answers.
func silentServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return file(t, "kubeconfig", kubeconfigFor("http://"+listener.Addr().String(), nil))
}

// goneServer is an address without a listener.
func goneServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return file(t, "kubeconfig", kubeconfigFor(server.URL, nil))
}

// expiredServer serves TLS with a certificate that the kubeconfig trusts and
// that has expired.
func expiredServer(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "expired"},
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     time.Now().Add(-24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the client's refusal is what is tested
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return file(t, "kubeconfig", kubeconfigFor(server.URL, ca))
}

func kubeconfigFor(server string, ca []byte) string {
	cluster := fmt.Sprintf("{server: %q}", server)
	if ca != nil {
		cluster = fmt.Sprintf("{server: %q, certificate-authority-data: %q}", server, base64.StdEncoding.EncodeToString(ca))
	}
	return `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  users: [{name: u, user: {}}], clusters: [{name: c, cluster: ` + cluster + `}]}`
}
