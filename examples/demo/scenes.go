package main

import (
	"context"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/portside"
)

// renamed is the later name of the container.
const renamed = "server"

var (
	adapterNFS = ownedPort{"adapter-nfs:12050/TCP", us}
	// adapterMoved is the last port of nfs, and left that port without portside.
	adapterMoved = ownedPort{"adapter-nfs:12051/TCP", us}
	left         = ownedPort{"adapter-nfs:12051/TCP", ""}
	inPlace      = status{"1/1", "InPlace", "AsExpected", "Answered"}
)

const prologue = `
The same manifests again, in another namespace, with an AdapterSet. portside
now runs as a service: as its ServiceAccount, with the RBAC and the admission
policies that portside install prints. It asks the pod every 5 seconds,
applies a change after 1 second, and removes a port 10 seconds after its
adapter stopped.`

// scenes are the second act of `make demo`.
var scenes = []scene{{
	title:   "Git gets DittoFS and an AdapterSet; portside runs",
	happens: begin,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		status: status{"2/2", "InPlace", "AsExpected", "Answered"}, events: []string{"PortShadowed", "PortAdded"}, changes: 1, podStarts: 2,
	},
}, {
	title:   "The pod dies; the next one is slow to start its adapters",
	happens: killPod,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		onTheWay: "RemovalWaiting",
		status:   status{"2/2", "InPlace", "AsExpected", "Answered"}, podStarts: 1,
	},
}, {
	title:   "The pod answers 500",
	happens: answers(dittofs.Status(http.StatusInternalServerError)),
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		status: status{"2/2", "InPlace", "AsExpected", "ServerError"},
	},
}, {
	title:   "The pod answers again; smb has been disabled",
	happens: answers(dittofs.Recorded("smb-disabled")),
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS},
		onTheWay: "RemovalWaiting", status: inPlace, events: []string{"RemovalWaiting", "PortRemoved"}, changes: 1, podStarts: 1,
	},
}, {
	title:   "An administrator pauses the workload; nfs moves to 12050",
	happens: pause,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS},
		status: status{"1/1", "InPlace", "Paused", "Answered"}, events: []string{"Paused"},
	},
}, {
	title:   "Git declares that port as well; the pause ends",
	happens: declareNFS,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, {adapterNFS.port, testenv.ArgoCD + "," + us}},
		status: inPlace, events: []string{"Resumed", "PortShared"}, changes: 1, podStarts: 1,
	},
}, {
	title:   "Git drops the port; portside keeps it",
	happens: dropNFS,
	want:    outcome{container: container, ports: []ownedPort{api, metrics, staticNFS, adapterNFS}, status: inPlace},
}, {
	title:   "An operator keeps removing the port",
	happens: contend,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS},
		status: status{"0/1", "Contended", "AsExpected", "Answered"}, events: []string{"PortLost", "PortAdded", "Contended"},
		changes: 2*readds + 1, podStarts: 2*readds + 1,
	},
}, {
	title:   "The operator is corrected, and the port requested",
	happens: request,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: inPlace, changes: 1, podStarts: 1,
	},
}, {
	title:   "Git renames the container",
	happens: renameContainer,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: inPlace, changes: 2, podStarts: 2, // the owner's, and then portside's
	},
}, {
	title: "portside's token is tried on more than ports",
	happens: withOurToken(
		attempt{[]string{"set", "image", "sts/dittofs", "server=other:1", "--field-manager=portside"}, "'portside-guard'"},
		attempt{[]string{"scale", "sts/dittofs", "--replicas=0"}, "statefulsets/scale"},
		attempt{[]string{"delete", "sts/dittofs"}, "cannot delete resource"},
	),
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS}, status: inPlace,
	},
}, {
	title:   "Git adds a Service, and wants no restarts for ports",
	happens: exposeNFS,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: status{"2/2", "InPlace", "AsExpected", "Answered"}, reaches: "adapter-nfs:12050",
	},
}, {
	title:   "nfs stops",
	happens: answers(dittofs.Adapters()),
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: status{"2/2", "Deferred", "Deferred", "Answered"}, events: []string{"RemovalWaiting"}, reaches: "adapter-nfs:12050",
	},
	operator: &recorded{changes: 2, pods: "1 or 2", lost: 3},
}, {
	title:   "nfs starts again",
	happens: answers(dittofs.Adapters("nfs:12050")),
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: status{"2/2", "InPlace", "AsExpected", "Answered"}, reaches: "adapter-nfs:12050",
	},
	operator: &recorded{changes: 2, pods: "1 or 2"},
}, {
	title:   "nfs moves to 12051; traffic follows",
	happens: moveNFS,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		status: status{"1/2", "Deferred", "Deferred", "Answered"}, reaches: "adapter-nfs:12051",
	},
	operator: &recorded{changes: 2, pods: "?"},
}, {
	title:   "Git's next image takes the port along",
	happens: upgrade,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterMoved},
		status: status{"2/2", "InPlace", "AsExpected", "Answered"}, reaches: "adapter-nfs:12051",
		changes: 2, podStarts: 1, // of the owner's and portside's change
	},
}, {
	title:   "Git drops the AdapterSet; its ports stay",
	happens: dropAdapterSet,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, left}, reaches: "adapter-nfs:12051",
	},
}}

// begin syncs the manifests as Argo CD, and starts the service.
func begin(ctx context.Context, l *life) ([]claim, error) {
	if err := l.git.sync(ctx, l.argo); err != nil {
		return nil, err
	}
	l.out.command([]string{"portside", "run"})
	var err error
	l.service, err = portside.Program{Path: l.cli.path}.Start(l.token, "--services", "--leader-election-namespace", systemNamespace)
	return nil, err
}

// answers has the pods answer in this way from then on.
func answers(with http.HandlerFunc) func(context.Context, *life) ([]claim, error) {
	return func(_ context.Context, l *life) ([]claim, error) { l.dittofs.Answer(with); return nil, nil }
}

// administers runs a kubectl command as the administrator, and prints it.
func (l *life) administers(ctx context.Context, args ...string) error {
	l.out.command(append([]string{"kubectl"}, args...))
	_, err := l.kubectl.run(ctx, args...)
	return err
}

func pause(ctx context.Context, l *life) ([]claim, error) {
	if err := l.administers(ctx, "annotate", "sts/dittofs", "portside.dev/paused=true"); err != nil {
		return nil, err
	}
	l.dittofs.Answer(dittofs.Recorded("nfs-renumbered"))
	return nil, nil
}

func declareNFS(ctx context.Context, l *life) ([]claim, error) {
	l.git.addPort("adapter-nfs", 12050)
	if err := l.git.sync(ctx, l.argo); err != nil {
		return nil, err
	}
	return nil, l.administers(ctx, "annotate", "sts/dittofs", "portside.dev/paused-")
}

func dropNFS(ctx context.Context, l *life) ([]claim, error) {
	l.git.dropPort("adapter-nfs")
	return nil, l.git.sync(ctx, l.argo)
}

// readds is how often portside adds a port again within ten minutes.
const readds = 5

// contend removes the port each time that portside has added it.
func contend(ctx context.Context, l *life) ([]claim, error) {
	const patch = `[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/3"}]`
	for range readds + 1 {
		if err := l.untilPort(ctx, adapterNFS); err != nil {
			return nil, err
		}
		if _, err := l.plane.Manager("operator").Patch(ctx, "StatefulSet", mediaNamespace, workload, types.JSONPatchType, []byte(patch)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// untilPort waits until the workload and its pods have the port.
func (l *life) untilPort(ctx context.Context, port ownedPort) error {
	return wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		now, err := l.observe(ctx, container)
		if err != nil || !slices.Contains(now.ports, port) {
			return false, err
		}
		return l.rests(ctx, now)
	})
}

func request(ctx context.Context, l *life) ([]claim, error) {
	return nil, l.administers(ctx, "annotate", "adapterset/dittofs", "portside.dev/requestedAt=now")
}

func killPod(ctx context.Context, l *life) ([]claim, error) {
	running, err := dittofs.Recording("both-running")
	if err != nil {
		return nil, err
	}
	l.dittofs.AnswerFirst(dittofs.Body(strings.ReplaceAll(running, `"running":true`, `"running":false`)))
	l.killed++
	return nil, l.cluster.client.CoreV1().Pods(mediaNamespace).Delete(ctx, workload+"-0", metav1.DeleteOptions{})
}

func renameContainer(ctx context.Context, l *life) ([]claim, error) {
	if err := l.git.renameContainer(renamed); err != nil {
		return nil, err
	}
	return nil, l.git.sync(ctx, l.argo)
}

func dropAdapterSet(ctx context.Context, l *life) ([]claim, error) {
	return nil, l.argo.Delete(ctx, "AdapterSet", mediaNamespace, workload)
}
