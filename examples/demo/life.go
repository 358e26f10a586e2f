package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
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
	kubectl, cli binary       // cli is portside's; both are the administrator's, in the act's namespace
	token        *rest.Config // the ServiceAccount's

	git     *manifests
	dittofs *dittofs
	silence func() // ends the pods' servers
	history *testenv.History
	watcher *watcher
	service *runner
	panel   *panel
	killed  int // pods, so far
}

// setLife installs portside, as manifests and as a process that runs with the
// token of the ServiceAccount in them. Where it fails, end still has to be
// called.
func (s *stage) setLife(ctx context.Context) (l *life, err error) {
	l = &life{stage: s, silence: func() {}, panel: newPanel(s.out)}
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
	if l.token, err = l.logIn(ctx); err != nil {
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
	certificate, ca, err := selfSigned(serverName)
	if err != nil {
		return err
	}
	l.git.move(mediaNamespace)
	if err := l.git.hasten(serverName); err != nil {
		return err
	}
	if err := l.git.addObject(credentials(ca)); err != nil {
		return err
	}
	l.dittofs = &dittofs{recordings: l.portside.dir}
	l.silence = l.plane.ServePods(mediaNamespace, testenv.PodServer{
		Port: apiPort, Handler: l.dittofs.inPod, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	})
	return nil
}

// apiPort is the port api of git/statefulset.yaml.
const apiPort = 8080

// credentials are what portside asks DittoFS with.
func credentials(ca []byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "dittofs-portside", Namespace: mediaNamespace,
			Labels: map[string]string{"portside.dev/credentials": "true"},
		},
		Data: map[string][]byte{"username": []byte(username), "password": []byte(password), "ca.crt": ca},
	}
}

// end stops the service and everything that setLife started.
func (l *life) end() error {
	var err error
	if l.service != nil {
		err = l.service.stop()
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
