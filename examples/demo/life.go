package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/portside"
)

// mediaNamespace is the namespace of the second act, which has the same manifests.
const mediaNamespace = "media"

// columns are the columns of an AdapterSet that kubectl prints.
const columns = `PORTS DESIRED READY RECONCILING DISCOVERED
.status.readyPorts .status.desiredPorts .status.conditions[?(@.type=="Ready")].reason .status.conditions[?(@.type=="Reconciling")].reason .status.conditions[?(@.type=="Discovered")].reason
`

const columnsFile = "columns.txt"

// life is the stage of the second act: portside is installed as users install it.
type life struct {
	*stage
	kubectl, cli program      // cli is portside; both run as the administrator, in the act's namespace
	token        *rest.Config // the ServiceAccount's

	git     *manifests
	dittofs *dittofs.Server // in the pods
	silence func()          // ends the servers of the pods
	history *testenv.History
	service *portside.Process
	panel   *panel

	killed    int // pods, so far
	alongside int // changes that went along with an owner's, so far
}

// setLife installs portside's manifests, and prepares a process that has the token of
// their ServiceAccount. The caller must call end, also after an error.
func (s *stage) setLife(ctx context.Context) (l *life, err error) {
	l = &life{stage: s, silence: func() {}, panel: &panel{out: s.out}}
	if l.cli, err = l.program(s.portside.path, s.plane.Config(), "admin", mediaNamespace); err != nil {
		return l, err
	}
	if l.kubectl, err = l.program(filepath.Join(s.plane.Assets(), "kubectl"), s.plane.Config(), "admin", mediaNamespace); err != nil {
		return l, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, columnsFile), []byte(columns), 0o600); err != nil {
		return l, err
	}
	s.progress.linef("applying the output of portside install: CRD, RBAC, admission policies")
	if err := l.install(ctx); err != nil {
		return l, err
	}
	if l.token, err = portside.Token(ctx, s.plane, systemNamespace, us); err != nil {
		return l, err
	}
	if l.history, err = s.plane.NewHistory(ctx, "StatefulSet", mediaNamespace, workload); err != nil {
		return l, err
	}
	return l, l.deploy()
}

// deploy commits the manifests to Git, and serves the pods over TLS.
func (l *life) deploy() (err error) {
	if l.git, err = readManifests(l.portside.dir, append(slices.Clone(inGit), "adapterset.yaml")...); err != nil {
		return err
	}
	serverName := workload + "." + mediaNamespace + ".svc"
	l.dittofs, err = dittofs.New(dittofs.Options{Username: us, Password: "a-password", ServerName: serverName})
	if err != nil {
		return err
	}
	l.dittofs.Answer(dittofs.Recorded("both-running"))
	l.git.move(mediaNamespace)
	secret := l.dittofs.Secret("dittofs-portside")
	secret.Namespace = mediaNamespace
	server := l.dittofs.PodServer()
	if server.Address, server.Port, err = freeAddress(); err != nil {
		return err
	}
	if err := l.git.hasten(serverName, server.Port); err != nil {
		return err
	}
	l.silence = l.plane.ServePods(mediaNamespace, server)
	return l.git.addObject(secret)
}

// freeAddress returns an address of this machine that EndpointSlices accept, unlike
// loopback addresses, and a port of it that is not in use.
func freeAddress() (address string, port int, err error) {
	if address, err = testenv.MachineAddress(); err != nil {
		return "", 0, err
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(address)})
	if err != nil {
		return "", 0, err
	}
	return address, listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// end stops everything that setLife and the scenes started.
func (l *life) end() error {
	var err error
	if l.service != nil && l.service.Alive() {
		err = l.service.Stop()
	}
	l.silence()
	if l.history != nil {
		l.history.Close()
	}
	return err
}
