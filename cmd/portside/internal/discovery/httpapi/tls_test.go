package httpapi_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

const serverName = "dittofs.storage.svc"

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hunter2 authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	return authority{sign(t, template, template, key, key), key}
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// issue makes a certificate of a server for serverName, and for no address.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	key := newKey(t)
	return tls.Certificate{Certificate: [][]byte{sign(t, template, a.certificate, key, a.key).Raw}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// serveTLS starts a server that answers requests for this name or, without one, for
// its address.
func serveTLS(t *testing.T, config *tls.Config, name string) discovery.Pod {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != net.JoinHostPort(cmp.Or(name, "127.0.0.1"), port) {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
		dittofs.Recorded("both-running")(w, r)
	})
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return podAt(server.Listener.Addr(), "pod-0")
}

func TestAskChecksCertificate(t *testing.T) {
	known, unknown := newAuthority(t), newAuthority(t)
	as := func(*x509.Certificate) {}
	const (
		expired  = "the server's certificate has expired, or is not valid yet"
		stranger = "the server's certificate is from an authority that neither the system nor ca.crt knows"
		another  = "the server's certificate is for another name than serverName or, without one, the pod's address"
		failed   = "the TLS handshake failed"
	)
	for name, c := range map[string]struct {
		config     *tls.Config
		serverName string
		noCA       bool
		want       string
	}{
		"the one that is meant": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, as)}}, serverName: serverName},
		"an address": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)}
		})}}},
		"expired": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		})}}, serverName: serverName, want: expired},
		"not yet valid": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Minute)
		})}}, serverName: serverName, want: expired},
		"another name":       {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, as)}}, serverName: "other.storage.svc", want: another},
		"not for an address": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, as)}}, want: another},
		"another authority":  {config: &tls.Config{Certificates: []tls.Certificate{unknown.issue(t, as)}}, serverName: serverName, want: stranger},
		"the system's alone": {config: &tls.Config{Certificates: []tls.Certificate{known.issue(t, as)}}, serverName: serverName, noCA: true, want: stranger},
		"TLS 1.1": {config: &tls.Config{
			Certificates: []tls.Certificate{known.issue(t, as)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		}, serverName: serverName, want: failed},
		"TLS 1.2": {config: &tls.Config{
			Certificates: []tls.Certificate{known.issue(t, as)}, MaxVersion: tls.VersionTLS12,
		}, serverName: serverName},
		"a client's certificate": {config: &tls.Config{
			Certificates: []tls.Certificate{known.issue(t, as)}, ClientAuth: tls.RequireAnyClientCert,
		}, serverName: serverName, want: failed},
	} {
		t.Run(name, func(t *testing.T) {
			pod := serveTLS(t, c.config, c.serverName)
			data := withToken()
			if !c.noCA {
				data["ca.crt"] = string(known.pem())
			}
			client := newClient(t, httpapi.Endpoint{
				Scheme: v1alpha1.SchemeHTTPS, ServerName: c.serverName, Path: "/api/v1/adapters", Timeout: time.Minute,
			}, data)
			answer, err := client.Ask(t.Context(), pod)
			switch {
			case c.want == "" && (err != nil || len(answer) != 2):
				t.Errorf("got %+v, %v", answer, err)
			case c.want != "" && (discovery.ReasonOf(err) != discovery.TLSFailed || err.Error() != c.want):
				t.Errorf("got %s %v, want %s", discovery.ReasonOf(err), err, c.want)
			}
			checkSilent(t, err, client)
		})
	}
}

func TestAskWithoutTLS(t *testing.T) {
	for name, c := range map[string]struct {
		pod  discovery.Pod
		want discovery.Reason
	}{
		"plain HTTP": {serve(t, "pod-0", dittofs.Body("[]")), discovery.TLSFailed},
		"silence":    {raw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }), discovery.Timeout},
		"half an alert": {raw(t, func(conn net.Conn) {
			respond("\x15\x03\x03\x00\x01x")(conn)
			_, _ = io.Copy(io.Discard, conn)
		}), discovery.TLSFailed},
		"a reset": {raw(t, func(conn net.Conn) { readRequest(conn); reset(conn) }), discovery.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := plain(time.Minute)
			endpoint.Scheme = v1alpha1.SchemeHTTPS
			if c.want == discovery.Timeout {
				endpoint.Timeout = 200 * time.Millisecond
			}
			if _, err := newClient(t, endpoint, nil).Ask(t.Context(), c.pod); discovery.ReasonOf(err) != c.want {
				t.Errorf("got %s %v, want %s", discovery.ReasonOf(err), err, c.want)
			}
		})
	}
}
