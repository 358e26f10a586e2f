package testenv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// PodServer answers for the pods of a namespace.
type PodServer struct {
	// Port that every pod listens at, 1 to 65535.
	Port int
	// Handler returns what answers for a pod, and is asked once for each start of
	// one. Where it returns nil nothing listens: connections are refused.
	Handler func(pod *corev1.Pod) http.Handler
	// TLS serves HTTPS; it must have a certificate. Without it HTTP is served.
	TLS *tls.Config
	// Address that the pods have. When empty each has a loopback address of its
	// own. The API server takes those for a pod, but not into an EndpointSlice,
	// and clients that mistrust a pod's address may refuse them. Then it can be
	// [MachineAddress], for workloads of one pod at a time: a second pod does not
	// run until the first is gone.
	Address string
}

// ServePods gives each pod that starts in the namespace from now on an address
// at which a real server answers, which listens before the pod runs and until
// the pod is deleted. After stop nothing listens, and pods that then start have
// addresses where nothing is.
//
// It panics without Options.Controllers, and where the namespace is served
// already.
func (cp *ControlPlane) ServePods(namespace string, server PodServer) (stop func()) {
	cp.mustPlay("ServePods")
	site := &podSite{server: server, servers: map[types.NamespacedName]*servedPod{}}
	cp.player.mu.Lock()
	defer cp.player.mu.Unlock()
	if cp.player.sites[namespace] != nil {
		panic(fmt.Sprintf("testenv: the pods of namespace %s are served already", namespace))
	}
	cp.player.sites[namespace] = site
	return sync.OnceFunc(func() {
		cp.player.mu.Lock()
		delete(cp.player.sites, namespace)
		cp.player.mu.Unlock()
		site.close()
	})
}

// site returns who serves the pods of a namespace, nil when nobody does.
func (p *podPlayer) site(namespace string) *podSite {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sites[namespace]
}

// podSite has the servers of a namespace's pods.
type podSite struct {
	server PodServer

	mu      sync.Mutex
	closed  bool
	servers map[types.NamespacedName]*servedPod
}

type servedPod struct {
	uid     types.UID
	address string
	stop    func() // ends the server and waits for it
}

// enter returns the address of a pod, at which its server listens.
func (s *podSite) enter(ctx context.Context, pod *corev1.Pod) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", fmt.Errorf("the pods of namespace %s are no longer served", pod.Namespace)
	}
	served := s.servers[keyOf(pod)]
	if served != nil && served.uid == pod.UID {
		return served.address, nil
	}
	if served != nil { // of an earlier pod of this name
		served.stop()
		delete(s.servers, keyOf(pod))
	}
	served, err := s.serve(ctx, pod)
	if err != nil {
		return "", err
	}
	s.servers[keyOf(pod)] = served
	return served.address, nil
}

// leave ends the server of a pod. A site that is nil has none.
func (s *podSite) leave(key types.NamespacedName, uid types.UID) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if served := s.servers[key]; served != nil && served.uid == uid {
		served.stop()
		delete(s.servers, key)
	}
}

func (s *podSite) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for key, served := range s.servers {
		served.stop()
		delete(s.servers, key)
	}
}

func (s *podSite) serve(ctx context.Context, pod *corev1.Pod) (*servedPod, error) {
	var handler http.Handler
	if s.server.Handler != nil {
		handler = s.server.Handler(pod)
	}
	listener, address, err := s.listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("serving for pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	served := &servedPod{uid: pod.UID, address: address}
	if handler == nil {
		served.stop = func() {}
		return served, listener.Close()
	}
	server := &http.Server{
		Handler: handler, TLSConfig: s.server.TLS.Clone(), // a server completes its own
		ReadHeaderTimeout: patience,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that go away are no news
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s.server.TLS != nil {
			_ = server.ServeTLS(listener, "", "") // it ends by Close
		} else {
			_ = server.Serve(listener)
		}
	}()
	served.stop = func() {
		_ = server.Close()
		<-done
	}
	return served, nil
}

// attempts at a loopback address before something must listen at the port of
// every address.
const attempts = 64

func (s *podSite) listen(ctx context.Context) (net.Listener, string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	listenAt := func(address string) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(s.server.Port)))
	}
	if s.server.Address != "" {
		listener, err := listenAt(s.server.Address)
		return listener, s.server.Address, err
	}
	for n := 1; ; n++ {
		address := nextLoopback()
		listener, err := listenAt(address)
		// Another process of this machine may play pods too.
		if err == nil || n == attempts || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, address, err
		}
	}
}

// loopbacks numbers the loopback addresses given out. Processes begin at
// different ones.
var loopbacks atomic.Uint32

func nextLoopback() string {
	n := uint32(os.Getpid())*7919 + loopbacks.Add(1)
	// Not in 127.0/16, where other servers of the machine are.
	return fmt.Sprintf("127.%d.%d.%d", 1+n/254/256%254, n/254%256, 1+n%254)
}

// MachineAddress returns an address of this machine that is neither a loopback
// nor a link's own, IPv4 before IPv6.
func MachineAddress() (string, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	found := ""
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || !network.IP.IsGlobalUnicast() {
			continue
		}
		if network.IP.To4() != nil {
			return network.IP.String(), nil
		}
		if found == "" {
			found = network.IP.String()
		}
	}
	if found == "" {
		return "", errors.New("this machine has no address but loopback ones")
	}
	return found, nil
}
