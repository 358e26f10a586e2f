package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// clientAuthority issues the client certificates of users. It replaces envtest's,
// which cannot issue an expired certificate.
type clientAuthority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // where kube-apiserver reads the certificate
}

var _ envtest.Authn = (*clientAuthority)(nil)

const certificateLife = 7 * 24 * time.Hour // longer than a demo is kept

func newClientAuthority() (*clientAuthority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "portside-testenv"},
		NotBefore:             time.Now().Add(-certificateLife),
		NotAfter:              time.Now().Add(certificateLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &clientAuthority{key: key, certificate: certificate}, nil
}

// Configure implements envtest.Authn.
func (a *clientAuthority) Configure(workDir string, flags *envtest.Arguments) error {
	a.file = filepath.Join(workDir, "testenv-client-ca.crt")
	flags.Set("client-ca-file", a.file)
	return nil
}

// Start implements envtest.Authn.
func (a *clientAuthority) Start() error {
	if a.file == "" {
		return errors.New("cannot start the authority before it is configured")
	}
	return os.WriteFile(a.file, pemOf("CERTIFICATE", a.certificate.Raw), 0o600)
}

// Stop implements envtest.Authn.
func (a *clientAuthority) Stop() error { return nil }

// AddUser implements envtest.Authn.
func (a *clientAuthority) AddUser(user envtest.User, base *rest.Config) (*rest.Config, error) {
	return a.issue(user, base, a.certificate.NotAfter)
}

// issue returns the base configuration with a certificate of the user that is valid
// until notAfter.
func (a *clientAuthority) issue(user envtest.User, base *rest.Config, notAfter time.Time) (*rest.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: user.Name, Organization: user.Groups},
		NotBefore:    a.certificate.NotBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("cannot issue the certificate of %s: %w", user.Name, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(base)
	config.CertData, config.KeyData = pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", keyDER)
	return config, nil
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
