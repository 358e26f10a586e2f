package httpapi_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// TestAskLongHead: the head of an answer is read up to 16 KiB.
func TestAskLongHead(t *testing.T) {
	for length, want := range map[int]discovery.Reason{10 << 10: "", 17 << 10: discovery.TooLarge} {
		pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", length))
			_, _ = io.WriteString(w, "[]")
		}))
		if _, err := newClient(t, plain(time.Minute), nil).Ask(t.Context(), pod); discovery.ReasonOf(err) != want {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// TestAskLongHandshake: a handshake is read up to 32 KiB.
func TestAskLongHandshake(t *testing.T) {
	known := newAuthority(t)
	certificate := known.issue(t, func(*x509.Certificate) {})
	for i := range 200 {
		more := known.issue(t, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(int64(i)) })
		certificate.Certificate = append(certificate.Certificate, more.Certificate[0])
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		pod := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: version}, serverName)
		client := newClient(t, overTLS(), map[string]string{"ca.crt": string(known.pem())})
		if _, err := client.Ask(t.Context(), pod); discovery.ReasonOf(err) != discovery.TooLarge {
			t.Errorf("TLS %x: %v", version, err)
		}
	}
}

func overTLS() httpapi.Endpoint {
	endpoint := plain(time.Minute)
	endpoint.Scheme, endpoint.ServerName = v1alpha1.SchemeHTTPS, serverName
	return endpoint
}

func TestClientsRefuseCredentials(t *testing.T) {
	_, err := httpapi.New(httpapi.Options{}).Client("files", overTLS(), credentials(t, map[string]string{"ca.crt": "hunter2"}))
	if discovery.ReasonOf(err) != discovery.CredentialsInvalid || err.Error() != "the Secret's ca.crt has no certificate in PEM" {
		t.Error(err)
	}
	checkSilent(t, err)
}

// TestCACost: ca.crt is parsed once, not for each connection or each reading of
// the Secret.
func TestCACost(t *testing.T) {
	known := newAuthority(t)
	var bundle strings.Builder
	for i := range 80 {
		other := known.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = fmt.Sprint(i) })
		bundle.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate[0]}))
	}
	bundle.Write(known.pem())
	pod := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{known.issue(t, func(*x509.Certificate) {})}}, serverName)
	api := httpapi.New(httpapi.Options{AllowLoopback: true})
	cost := func(bundle string) float64 {
		return testing.AllocsPerRun(40, func() {
			client, err := api.Client("files", overTLS(), credentials(t, map[string]string{"ca.crt": bundle}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Ask(t.Context(), pod); err != nil {
				t.Fatal(err)
			}
		})
	}
	one, many := cost(string(known.pem())), cost(bundle.String())
	if many > 1.5*one {
		t.Errorf("%.0f allocations of an exchange with 81 certificates, %.0f with one", many, one)
	}
}
