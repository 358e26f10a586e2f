package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/portside"
)

// mediaNamespace is where the second act plays: the same manifests once more,
// and nothing of the first act in them.
const mediaNamespace = "media"

// columns are what the second act shows of an AdapterSet.
const columns = `PORTS DESIRED READY RECONCILING DISCOVERED
.status.readyPorts .status.desiredPorts .status.conditions[?(@.type=="Ready")].reason .status.conditions[?(@.type=="Reconciling")].reason .status.conditions[?(@.type=="Discovered")].reason
`

const columnsFile = "columns.txt"

// life is the stage of the second act: a cluster with portside in it, as users
// install it.
type life struct {
	*stage
	kubectl, cli program      // cli is portside's; both are the administrator's, in the act's namespace
	token        *rest.Config // the ServiceAccount's

	git     *manifests
	dittofs *dittofs.Server // in the pods
	silence func()          // ends the servers of the pods
	history *testenv.History
	watcher *watcher
	service *portside.Process
	panel   *panel
	killed  int // pods, so far
}

// setLife installs portside, as manifests and as a process that runs with the
// token of the ServiceAccount in them. Where it fails, end still has to be
// called.
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
	s.progress.linef("applying what portside install prints: CRD, RBAC, admission policies")
	if err := l.install(ctx); err != nil {
		return l, err
	}
	if l.token, err = portside.Token(ctx, s.plane, systemNamespace, us); err != nil {
		return l, err
	}
	if l.history, err = s.plane.NewHistory(ctx, "StatefulSet", mediaNamespace, workload); err != nil {
		return l, err
	}
	if l.watcher, err = watch(ctx, s.plane.Config()); err != nil {
		return l, err
	}
	return l, l.deploy()
}

// deploy has everything in Git, and pods that answer over TLS.
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
	if err := l.git.hasten(serverName); err != nil {
		return err
	}
	secret := l.dittofs.Secret("dittofs-portside")
	secret.Namespace = mediaNamespace
	l.silence = l.plane.ServePods(mediaNamespace, l.dittofs.PodServer())
	return l.git.addObject(secret)
}

// end stops the service and everything that setLife started.
func (l *life) end() error {
	var err error
	if l.service != nil && l.service.Alive() {
		err = l.service.Stop()
	}
	l.silence()
	if l.watcher != nil {
		l.watcher.close()
	}
	if l.history != nil {
		l.history.Close()
	}
	return err
}
