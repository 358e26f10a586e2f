package main

import (
	"context"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// renamed is what the owner calls the container later on.
const renamed = "server"

var (
	adapterNFS = ownedPort{"adapter-nfs:12050/TCP", us}
	left       = ownedPort{"adapter-nfs:12050/TCP", ""}
	inPlace    = told{"1/1", "InPlace", "AsExpected", "Answered"}
)

const prologue = `
The same manifests once more, in another namespace, and with an AdapterSet.
portside runs for good now: as its ServiceAccount, with the RBAC and under the
admission policies that portside install prints. It asks the pod every 5
seconds; a change settles for 1, and a port goes 10 after its adapter stopped.`

// scenes are the second act of `make demo`.
var scenes = []scene{{
	title:   "Git gets DittoFS and an AdapterSet; portside runs",
	happens: begin,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		told: told{"2/2", "InPlace", "AsExpected", "Answered"}, changes: 1, podStarts: 2,
	},
}, {
	title:   "The pod dies; the next one is slow to start its adapters",
	happens: killPod,
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		onTheWay: "RemovalWaiting",
		told:     told{"2/2", "InPlace", "AsExpected", "Answered"}, podStarts: 1,
	},
}, {
	title:   "The pod answers 500",
	happens: func(_ context.Context, l *life) ([]claim, error) { l.dittofs.fails(); return nil, nil },
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterSMB},
		told: told{"2/2", "InPlace", "AsExpected", "ServerError"},
	},
}, {
	title:   "The pod answers again: somebody has disabled smb",
	happens: playBack("adapters-smb-disabled.json"),
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS},
		onTheWay: "RemovalWaiting", told: inPlace, changes: 1, podStarts: 1,
	},
}, {
	title:   "nfs moves to 12050",
	happens: playBack("adapters-nfs-renumbered.json"),
	want: outcome{
		container: container, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		told: inPlace, changes: 1, podStarts: 1,
	},
}, {
	title:   "Git renames the container",
	happens: renameContainer,
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS},
		told: inPlace, changes: 2, podStarts: 2, // the owner's, and then portside's
	},
}, {
	title: "Somebody with portside's token tries more than ports",
	happens: withOurToken(
		attempt{[]string{"set", "image", "sts/dittofs", "server=other:1", "--field-manager=portside"}, "'portside-guard'"},
		attempt{[]string{"scale", "sts/dittofs", "--replicas=0"}, "statefulsets/scale"},
		attempt{[]string{"delete", "sts/dittofs"}, "cannot delete resource"},
	),
	want: outcome{
		container: renamed, ports: []ownedPort{api, metrics, staticNFS, adapterNFS}, told: inPlace,
	},
}, {
	title:   "Git drops the AdapterSet; its ports stay",
	happens: dropAdapterSet,
	want:    outcome{container: renamed, ports: []ownedPort{api, metrics, staticNFS, left}},
}}

// begin has Argo CD sync the manifests, and starts the service.
func begin(ctx context.Context, l *life) ([]claim, error) {
	if err := l.dittofs.answers("adapters-both-running.json"); err != nil {
		return nil, err
	}
	if err := l.git.sync(ctx, l.argo); err != nil {
		return nil, err
	}
	// The namespace is that of the Lease, by which one of several would lead.
	portside, err := l.program(l.cli.path, l.token, serviceAccount, systemNamespace)
	if err != nil {
		return nil, err
	}
	l.out.command([]string{"portside", "run"})
	// Pods are servers of this machine, and others may listen at the usual ports.
	l.service, err = startRunner(portside, filepath.Join(l.dir, "portside.log"),
		"run", "--allow-loopback-pods", "--health-probe-bind-address=0", "--metrics-bind-address=0")
	return nil, err
}

func playBack(recording string) func(context.Context, *life) ([]claim, error) {
	return func(_ context.Context, l *life) ([]claim, error) { return nil, l.dittofs.answers(recording) }
}

func killPod(ctx context.Context, l *life) ([]claim, error) {
	l.dittofs.startsSlowly()
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
