package main

// step is one step of the story: what happens, the command of portside that follows, and
// the state after it.
type step struct {
	title string
	// text is printed, in lines of at most 76 characters.
	text string
	// sync is a commit that Argo CD syncs first; nil without one.
	sync func(*manifests)
	// portside is a command line; nil without one.
	portside []string
	// refused is a command line that portside must refuse; nil for none.
	refused []string
	want    want
}

// want is the state that a step expects.
type want struct {
	// ports of the container, in order, each with its owner; empty without one.
	ports []ownedPort
	// states are the states of ports in portside's answer to the same command again.
	states []string
	// generation so far, pods started so far.
	generation int64
	podStarts  int
	// sent is the number of writes of portside in the step, and stored the number of
	// those that changed the object.
	sent, stored int
	// reaches are the ports that the Service dittofs-file leads to.
	reaches []string
}

type ownedPort struct{ port, owner string }

const (
	argo = "argocd-controller"
	us   = "portside"
)

var (
	api        = ownedPort{"api:8080/TCP", argo}
	metrics    = ownedPort{"metrics:9090/TCP", argo}
	staticNFS  = ownedPort{"nfs:12049/TCP", argo}
	adapterSMB = ownedPort{"adapter-smb:1445/TCP", us}
)

// story is what `make demo` shows.
var story = []step{{
	title: "Argo CD deploys DittoFS",
	text: `
Git declares three ports: api, metrics, and nfs on 12049. Argo CD's field
manager owns all of them. portside has not written yet.`,
	sync: func(*manifests) {},
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS},
		generation: 1, podStarts: 1,
	},
}, {
	title: "DittoFS reports nfs and smb, both running",
	text: `
smb has no port yet, so portside adds one. Git declares 12049/TCP, the port of
nfs, so portside leaves that port and its name to Argo CD.`,
	portside: syncWith("adapters-both-running.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS, adapterSMB},
		states:     []string{"adapter-nfs:12049/TCP Shadowed", "adapter-smb:1445/TCP Owned"},
		generation: 2, podStarts: 2, sent: 1, stored: 1,
		reaches: []string{"smb:1445"},
	},
}, {
	title: "portside must not apply as Argo CD's manager",
	text: `
An apply removes what its manager owns and the apply does not repeat: as Argo
CD's manager portside would remove the image, labels and static ports. It
refuses, and writes nothing.`,
	refused: []string{"sync", "-f", "adapterset-declared.yaml", "--field-manager", argo},
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS, adapterSMB},
		generation: 2, podStarts: 2,
		reaches: []string{"smb:1445"},
	},
}, {
	title: "An operator disables smb over the API",
	text: `
portside removes the port, the last field that it owned, so its entry in
managedFields is removed as well. The static ports stay as they are.`,
	portside: syncWith("adapters-smb-disabled.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS},
		states:     []string{"adapter-nfs:12049/TCP Shadowed"},
		generation: 3, podStarts: 3, sent: 1, stored: 1,
	},
}, {
	title: "nfs moves to 12050 over the API",
	text: `
Git still declares 12049. portside adds a port for the number that is served,
and the Service that names adapter-nfs leads to it.`,
	portside: syncWith("adapters-nfs-renumbered.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS, {"adapter-nfs:12050/TCP", us}},
		states:     []string{"adapter-nfs:12050/TCP Owned"},
		generation: 4, podStarts: 4, sent: 1, stored: 1,
		reaches: []string{"nfs:12050"},
	},
}, {
	title: "The owner drops the static nfs from Git",
	text: `
Argo CD syncs the commit and removes its own port and no other. The owner's
change causes the restart; portside's next apply is a no-op.`,
	sync:     func(m *manifests) { m.dropPort("nfs") },
	portside: syncWith("adapters-nfs-renumbered.json"),
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12050/TCP", us}},
		states:     []string{"adapter-nfs:12050/TCP Owned"},
		generation: 5, podStarts: 5, sent: 1, stored: 0,
		reaches: []string{"nfs:12050"},
	},
}, {
	title: "nfs moves back to 12049",
	text: `
No other manager declares 12049 any more, so portside can own it. It removes
the old number and adds the new one in one write: one restart, not two.`,
	portside: syncWith("adapters-smb-disabled.json"),
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12049/TCP", us}},
		states:     []string{"adapter-nfs:12049/TCP Owned"},
		generation: 6, podStarts: 6, sent: 1, stored: 1,
		reaches: []string{"nfs:12049"},
	},
}, {
	title: "portside is removed",
	text: `
portside releases its ports and keeps them in place, which costs nothing: the
generation stays the same, and no pod restarts.`,
	portside: []string{"release", "statefulset/dittofs", "--keep-ports"},
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12049/TCP", ""}},
		generation: 6, podStarts: 6, sent: 1, stored: 1,
		reaches: []string{"nfs:12049"},
	},
}}

// syncWith is a command line with a recorded answer of DittoFS.
func syncWith(recording string) []string {
	return []string{"sync", "-f", "adapterset.yaml", "--adapters", recording}
}
