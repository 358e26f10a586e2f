package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// What portside reads of an answer at most, in bytes.
const (
	maxBody = 128 << 10
	maxHead = 16 << 10
)

// tooLong returns a body of 131,000 elements, which is longer than maxBody.
func tooLong() string { return `[{"a":0}` + strings.Repeat(`,{"a":0}`, 131_000-1) + `]` }

// expensive returns the bodies that take the most memory to read, each of maxBody.
func expensive() []string {
	full := func(begin, item, end string) string {
		return begin + strings.Repeat(item, (maxBody-len(begin)-len(end))/len(item)) + end
	}
	const adapter = `{"type":"evil","port":6666,"enabled":true,"running":true}`
	return []string{
		full(`[{}`, `,{}`, `]`), full(`[`+adapter, `,`+adapter, `]`), full(`[{"a":0`, `,"a":0`, `}]`), full(`[{"type":"`, `\n`, `"}]`),
		full(``, `[`, ``), full(`[`, ` `, `]`),
	}
}

// hostile answers for pods with as many headers and as long a body as portside
// reads. Every second answer stops before its last byte, until the client gives up.
// Every second pod sends a body that is too long.
type hostile struct {
	tooLong   string
	expensive []string

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
			body = h.expensive[(ordinal/2+n)%len(h.expensive)]
		}
		answer := head(len(body)) + body
		if n%2 == 0 {
			_, _ = io.WriteString(conn, answer)
			return
		}
		_, _ = io.WriteString(conn, answer[:min(len(answer), maxHead+maxBody)-1024])
		_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
	})
}

// head returns the head of an answer, with as many headers as portside reads.
func head(length int) string {
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", length)
	for i := 0; head.Len() < maxHead-4096-16; i++ { // what the client buffers counts too
		fmt.Fprintf(&head, "%x:\r\n", i)
	}
	return head.String() + "\r\n"
}

// timesAsked returns how often each of this many pods was asked at least.
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

// longChain returns a self-signed certificate for the name, followed by as many
// others as a client reads of a handshake, and its PEM.
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

// TestHostilePods has a hundred pods of two namespaces send the most expensive
// answers. The process stays below half of its container's memory limit and serves
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
		cp.Manager("git").In(namespace).MustApply(t,
			&corev1.Secret{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
				ObjectMeta: metav1.ObjectMeta{Name: "ca", Labels: map[string]string{"portside.dev/credentials": "true"}},
				Data:       map[string][]byte{"ca.crt": ca},
			},
			fixture.StatefulSet(name, fixture.Container("server", "api:8080"), fixture.Spec(fmt.Sprintf("{replicas: %d, podManagementPolicy: Parallel}", pods))),
			fixture.AdapterSet(name, fixture.Target("StatefulSet", name), fixture.Metadata("labels: {test: "+honest+"}"),
				fixture.Discovery("port: api, scheme: "+scheme+", serverName: files.example, intervalSeconds: 5, timeoutSeconds: 2, credentialsRef: {name: ca}"),
				fixture.Spec("rollout: {stabilizationWindowSeconds: 0}")))
		cp.WaitRolledOut(t, "StatefulSet", namespace, name)
	}
	var attackers []*hostile
	for _, scheme := range []string{"HTTP", "HTTPS"} {
		h := &hostile{tooLong: tooLong(), expensive: expensive(), asked: map[string]int{}}
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
	server, err := dittofs.New(dittofs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server.Answer(dittofs.Adapters("nfs:12049"))
	t.Cleanup(cp.ServePods(honest, server.PodServer()))
	run(honest, "files", "HTTP", 1)

	limit := memoryLimit(t)
	// The test binary takes more memory than the program in the image.
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
		t.Errorf("the Go runtime has a memory limit of %.0f bytes, want %d", got, limit/10*9)
	}
	for n := range 5 {
		server.Answer(dittofs.Adapters(fmt.Sprintf("nfs:%d", 12049+n)))
		want := fmt.Sprintf("adapter-nfs:%d/TCP", 12049+n)
		testenv.Eventually(t, want, func(ctx context.Context) error {
			s.MustLive()
			live, err := cp.Manager("reader").Get(ctx, "StatefulSet", honest, "files")
			if err != nil {
				return err
			}
			return testenv.CheckPorts(live, "server", "api:8080/TCP", want)
		})
		cp.WaitRolledOut(t, "StatefulSet", honest, "files")
	}
	for _, h := range attackers {
		testenv.Eventually(t, "three requests to each pod", func(context.Context) error {
			s.MustLive()
			if n := h.timesAsked(targets * podsEach); n < 3 {
				return fmt.Errorf("one was asked %d times", n)
			}
			return nil
		})
	}
	s.MustLive()
	peak := peakMemory(t, s)
	t.Logf("peak memory %d MiB, %d MiB before any pod was asked", peak>>20, idle>>20)
	if peak >= limit/2 {
		t.Errorf("peak memory %d MiB, want less than half of the container's limit of %d MiB", peak>>20, limit>>20)
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
