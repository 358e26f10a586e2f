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

// PodServer serves HTTP for the pods of a namespace.
type PodServer struct {
	// Port of every pod, 1 to 65535.
	Port int
	// Handler returns the handler of a pod. It is called once for each start of a
	// pod. If it returns nil, connections to the pod are refused.
	Handler func(pod *corev1.Pod) http.Handler
	// TLS serves HTTPS with the certificate it has; without it the pods serve HTTP.
	TLS *tls.Config
	// Address of the pods. By default each pod has a loopback address of its own.
	// The API server accepts these for a pod but not in an EndpointSlice, and
	// clients that check the addresses of pods may refuse them. Then Address can be
	// [MachineAddress], for workloads of one pod at a time: a second pod does not
	// run until the first is deleted.
	Address string
}

// ServePods gives each pod that starts in the namespace from now on an address with
// a real server, which listens before the pod runs and until the pod is deleted.
// After stop nothing listens, and pods that start then have addresses where nothing
// listens.
//
// It panics without Options.Controllers, and if the namespace is served already.
func (cp *ControlPlane) ServePods(namespace string, server PodServer) (stop func()) {
	cp.mustRunPods("ServePods")
	servers := &podServers{server: server, running: map[types.NamespacedName]*servedPod{}}
	cp.kubelet.mu.Lock()
	defer cp.kubelet.mu.Unlock()
	if cp.kubelet.servers[namespace] != nil {
		panic(fmt.Sprintf("testenv: the pods of namespace %s are served already", namespace))
	}
	cp.kubelet.servers[namespace] = servers
	return sync.OnceFunc(func() {
		cp.kubelet.mu.Lock()
		delete(cp.kubelet.servers, namespace)
		cp.kubelet.mu.Unlock()
		servers.close()
	})
}

// serversOf returns the servers of a namespace's pods, nil if it has none.
func (k *fakeKubelet) serversOf(namespace string) *podServers {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.servers[namespace]
}

// podServers are the servers of a namespace's pods.
type podServers struct {
	server PodServer

	mu      sync.Mutex
	closed  bool
	running map[types.NamespacedName]*servedPod
}

type servedPod struct {
	uid     types.UID
	address string
	stop    func() // ends the server and waits for it
}

// start returns the address at which the server of a pod listens.
func (s *podServers) start(ctx context.Context, pod *corev1.Pod) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", fmt.Errorf("the pods of namespace %s are no longer served", pod.Namespace)
	}
	served := s.running[keyOf(pod)]
	if served != nil && served.uid == pod.UID {
		return served.address, nil
	}
	if served != nil { // of an earlier pod of the same name
		served.stop()
		delete(s.running, keyOf(pod))
	}
	served, err := s.serve(ctx, pod)
	if err != nil {
		return "", err
	}
	s.running[keyOf(pod)] = served
	return served.address, nil
}

// stop ends the server of a pod.
func (s *podServers) stop(key types.NamespacedName, uid types.UID) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if served := s.running[key]; served != nil && served.uid == uid {
		served.stop()
		delete(s.running, key)
	}
}

func (s *podServers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for key, served := range s.running {
		served.stop()
		delete(s.running, key)
	}
}

func (s *podServers) serve(ctx context.Context, pod *corev1.Pod) (*servedPod, error) {
	var handler http.Handler
	if s.server.Handler != nil {
		handler = s.server.Handler(pod)
	}
	listener, address, err := s.listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot serve for pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	served := &servedPod{uid: pod.UID, address: address}
	if handler == nil {
		served.stop = func() {}
		return served, listener.Close()
	}
	server := &http.Server{
		Handler: handler, TLSConfig: s.server.TLS.Clone(), // since a server changes its configuration
		ReadHeaderTimeout: patience,
		ErrorLog:          log.New(io.Discard, "", 0), // it reports clients that close connections
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s.server.TLS != nil {
			_ = server.ServeTLS(listener, "", "") // until Close
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

// attempts is how many loopback addresses are tried before giving up.
const attempts = 64

func (s *podServers) listen(ctx context.Context) (net.Listener, string, error) {
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
		// Another process of this machine may serve pods too.
		if err == nil || n == attempts || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, address, err
		}
	}
}

// loopbacks is the number of loopback addresses given out. Processes begin at
// different ones.
var loopbacks atomic.Uint32

func nextLoopback() string {
	n := uint32(os.Getpid())*7919 + loopbacks.Add(1)
	// Not in 127.0/16, which other servers of the machine use.
	return fmt.Sprintf("127.%d.%d.%d", 1+n/254/256%254, n/254%256, 1+n%254)
}

// MachineAddress returns an address of this machine that is neither loopback nor
// link-local, IPv4 before IPv6.
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
		return "", errors.New("this machine has only loopback addresses")
	}
	return found, nil
}
