package dittofs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// certificates are a server's: one that is valid and one that has expired.
type certificates struct{ valid, expired tls.Certificate }

func newCertificates(serverName string) (c certificates, err error) {
	if c.valid, err = SelfSigned(serverName, time.Now().Add(7*24*time.Hour)); err != nil { // longer than a demo is kept
		return c, err
	}
	c.expired, err = SelfSigned(serverName, time.Now().Add(-time.Minute))
	return c, err
}

// SelfSigned returns a certificate for a server name that is its own authority.
func SelfSigned(serverName string, notAfter time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: notAfter,
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.behavior.Expired {
			return &s.certificates.expired, nil
		}
		return &s.certificates.valid, nil
	}}
}

// Secret returns a Secret with what a client of the server needs: the user, and the
// certificates as ca.crt.
func (s *Server) Secret(name string) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"portside.dev/credentials": "true"}},
		Data:       map[string][]byte{},
	}
	if s.options.Username != "" {
		secret.Data["username"], secret.Data["password"] = []byte(s.options.Username), []byte(s.options.Password)
	}
	if s.options.ServerName != "" {
		for _, c := range []tls.Certificate{s.certificates.valid, s.certificates.expired} {
			block := pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}
			secret.Data["ca.crt"] = append(secret.Data["ca.crt"], pem.EncodeToMemory(&block)...)
		}
	}
	return secret
}
