package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

const (
	// maxBody and maxHead are what is read of an answer, in bytes.
	maxBody = 128 << 10
	maxHead = 16 << 10
)

// tooLong is a body of 131,000 elements, longer than one may be.
func tooLong() string { return `[{"a":0}` + strings.Repeat(`,{"a":0}`, 131_000-1) + `]` }

// worst are the bodies that take most to read, each as long as one may be.
func worst() []string {
	full := func(begin, item, end string) string {
		return begin + strings.Repeat(item, (maxBody-len(begin)-len(end))/len(item)) + end
	}
	const adapter = `{"type":"evil","port":6666,"enabled":true,"running":true}`
	return []string{
		full(`[{}`, `,{}`, `]`), full(`[`+adapter, `,`+adapter, `]`), full(`[{"a":0`, `,"a":0`, `}]`), full(`[{"type":"`, `\n`, `"}]`),
		full(``, `[`, ``), full(`[`, ` `, `]`),
	}
}

// hostile answers for pods with the worst that is read: as many headers and as
// long a body as possible. Every second answer stops before its last byte, until
// the time is over. Every second pod has a body that is too long.
type hostile struct {
	tooLong string
	worst   []string

	mu    sync.Mutex
	asked map[string]int // by pod
}

func (h *hostile) handler(pod *corev1.Pod) http.Handler {
	var ordinal int
	_, _ = fmt.Sscanf(pod.Name[strings.LastIndexByte(pod.Name, '-'):], "-%d", &ordinal)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.mu.Lock()
		h.asked[pod.Name]++
		n := h.asked[pod.Name]
		h.mu.Unlock()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		body := h.tooLong
		if ordinal%2 == 0 {
			body = h.worst[(ordinal/2+n)%len(h.worst)]
		}
		answer := head(len(body)) + body
		if n%2 == 0 {
			_, _ = io.WriteString(conn, answer)
			return
		}
		_, _ = io.WriteString(conn, answer[:min(len(answer), maxHead+maxBody)-1024])
		_, _ = io.Copy(io.Discard, conn) // until the other side hangs up
	})
}

// head is that of an answer, with as many headers as it may have.
func head(length int) string {
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", length)
	for i := 0; head.Len() < maxHead-4096-16; i++ { // what is read ahead counts as well
		fmt.Fprintf(&head, "%x:\r\n", i)
	}
	return head.String() + "\r\n"
}

// timesAsked returns how often each of that many pods was asked at least.
func (h *hostile) timesAsked(pods int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	least := 0
	for _, n := range h.asked {
		if least == 0 || n < least {
			least = n
		}
	}
	if len(h.asked) < pods {
		return 0
	}
	return least
}

// longChain returns a certificate for the name, followed by as many others as are
// read of a handshake, and the PEM of its authority, which is itself.
func longChain(t *testing.T, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	chain := tls.Certificate{PrivateKey: key}
	for length := 0; length < 28<<10; {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(length + 1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
		if length == 0 {
			template.DNSNames, template.IsCA, template.BasicConstraintsValid = []string{name}, true, true
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		chain.Certificate = append(chain.Certificate, der)
		length += len(der)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain.Certificate[0]})
}

const askedWorkload = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %[1]s}
spec:
  replicas: %[2]d
  podManagementPolicy: Parallel
  serviceName: %[1]s
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: server, image: server, ports: [{name: api, containerPort: 8080}]}]}
`

const askingSet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %[1]s, labels: {test: %[2]s}}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}
  discovery: {http: {port: api, scheme: %[3]s, serverName: files.example, intervalSeconds: 5, timeoutSeconds: 2, credentialsRef: {name: ca}}}
  rollout: {stabilizationWindowSeconds: 0}
`

const authority = `
apiVersion: v1
kind: Secret
metadata: {name: ca, labels: {portside.dev/credentials: "true"}}
data: {ca.crt: %s}
`

// TestHostilePods: a hundred pods with the worst answers, of two namespaces, leave
// the process below half of the memory that its container may have, and it serves
// another namespace meanwhile.
func TestHostilePods(t *testing.T) {
	t.Parallel()
	const targets, podsEach = 2, 25
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	honest := cp.Namespace(t)
	chain, ca := longChain(t, "files.example")
	ca = append(ca, bytes.Repeat([]byte("\n"), 60<<10-len(ca))...)
	run := func(namespace, name, scheme string, pods int) {
		git := cp.Manager("git").In(namespace)
		for _, object := range []string{
			fmt.Sprintf(authority, base64.StdEncoding.EncodeToString(ca)),
			fmt.Sprintf(askedWorkload, name, pods), fmt.Sprintf(askingSet, name, honest, scheme),
		} {
			if _, err := git.Apply(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
		cp.WaitRolledOut(t, "StatefulSet", namespace, name)
	}
	var attackers []*hostile
	for _, scheme := range []string{"HTTP", "HTTPS"} {
		h := &hostile{tooLong: tooLong(), worst: worst(), asked: map[string]int{}}
		server := testenv.PodServer{Port: 8080, Handler: h.handler}
		if scheme == "HTTPS" {
			server.TLS = &tls.Config{Certificates: []tls.Certificate{chain}, NextProtos: []string{"http/1.1"}}
		}
		namespace := cp.Namespace(t)
		t.Cleanup(cp.ServePods(namespace, server))
		for i := range targets {
			run(namespace, fmt.Sprintf("evil-%d", i), scheme, podsEach)
		}
		attackers = append(attackers, h)
	}
	var mu sync.Mutex
	port := 12049
	t.Cleanup(cp.ServePods(honest, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = fmt.Fprintf(w, `[{"type":"nfs","port":%d,"enabled":true,"running":true}]`, port)
		})
	}}))
	run(honest, "files", "HTTP", 1)

	limit := memoryLimit(t)
	// The program as the image has it: this binary takes more memory.
	program := portside.BuildFor(t)
	program.Env = []string{fmt.Sprint("GOMEMLIMIT=", limit)}
	s := portside.Run(t, program, cp.Config(),
		"--selector=test="+honest, "--metrics-secure=false", "--allow-loopback-pods", "--field-manager="+honest).WaitReady()
	idle := peakMemory(t, s)
	metrics, err := s.Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := portside.Metric(metrics, "go_gc_gomemlimit_bytes"); int64(got) != limit/10*9 {
		t.Errorf("the Go runtime may take %.0f bytes, want %d", got, limit/10*9)
	}
	for n := range 5 {
		mu.Lock()
		port = 12049 + n
		want := fmt.Sprintf("adapter-nfs:%d/TCP", port)
		mu.Unlock()
		testenv.Eventually(t, want, func(ctx context.Context) error {
			s.MustLive()
			live, err := cp.Manager("reader").Get(ctx, "StatefulSet", honest, "files")
			if err != nil {
				return err
			}
			if ports := testenv.Ports(live, "server"); len(ports) != 2 || ports[1] != want {
				return fmt.Errorf("it has %q", ports)
			}
			return nil
		})
		cp.WaitRolledOut(t, "StatefulSet", honest, "files")
	}
	for _, h := range attackers {
		testenv.Eventually(t, "each pod to have been asked three times", func(context.Context) error {
			s.MustLive()
			if n := h.timesAsked(targets * podsEach); n < 3 {
				return fmt.Errorf("one was asked %d times", n)
			}
			return nil
		})
	}
	s.MustLive()
	peak := peakMemory(t, s)
	t.Logf("the process took at most %d MiB, %d MiB before any pod was asked", peak>>20, idle>>20)
	if peak >= limit/2 {
		t.Errorf("the process took %d MiB; its container may have %d MiB", peak>>20, limit>>20)
	}
}

func peakMemory(t *testing.T, s *portside.Service) int64 {
	t.Helper()
	peak, err := s.PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	return peak
}
