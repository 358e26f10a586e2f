package main

// step is one step of the story: what happens in the world, what portside is
// then told to do, and what is true once all has come to rest.
type step struct {
	title string
	// tells is the story so far, in lines of at most 76 characters.
	tells string
	// sync is what Argo CD's manager applies first; nil when Git did not change.
	sync func(*manifests)
	// portside is the command line that follows; nil when it is not run.
	portside []string
	// refused is a command line that portside must refuse; nil for none.
	refused []string
	want    want
}

// want is what a step claims.
type want struct {
	// ports of the container in their order, each with the one manager that
	// owns it; nobody owns what has an empty one.
	ports []ownedPort
	// states are portside's own words when it is asked again.
	states []string
	// generation so far, pods started so far.
	generation int64
	podStarts  int
	// sent are the writes that portside needed for the step, stored those of
	// them that the server saw a change in.
	sent, stored int
	// reaches are the pods' ports that the Service dittofs-file leads to.
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
	tells: `
Git declares three ports: api, metrics, and nfs on 12049. Every one of them
belongs to Argo CD's field manager. portside has not been here yet.`,
	sync: func(*manifests) {},
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS},
		generation: 1, podStarts: 1,
	},
}, {
	title: "DittoFS reports nfs and smb, both running",
	tells: `
smb has no port yet: portside adds one. nfs has: 12049/TCP is declared in Git,
so it is left to Argo CD, under the name that Git gives it.`,
	portside: pass("adapters-both-running.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS, adapterSMB},
		states:     []string{"adapter-nfs:12049/TCP Shadowed", "adapter-smb:1445/TCP Owned"},
		generation: 2, podStarts: 2, sent: 1, stored: 1,
		reaches: []string{"smb:1445"},
	},
}, {
	title: "portside is told to apply as Argo CD's manager",
	tells: `
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
	tells: `
Its port goes, and with it all that portside owned: its entry in managedFields
is gone. The static ports are what they were.`,
	portside: pass("adapters-smb-disabled.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS},
		states:     []string{"adapter-nfs:12049/TCP Shadowed"},
		generation: 3, podStarts: 3, sent: 1, stored: 1,
	},
}, {
	title: "nfs moves to 12050 over the API",
	tells: `
Git still says 12049 and is not touched. The number that is really served gets
a port of its own, and the Service that names adapter-nfs leads there.`,
	portside: pass("adapters-nfs-renumbered.json"),
	want: want{
		ports:      []ownedPort{api, metrics, staticNFS, {"adapter-nfs:12050/TCP", us}},
		states:     []string{"adapter-nfs:12050/TCP Owned"},
		generation: 4, podStarts: 4, sent: 1, stored: 1,
		reaches: []string{"nfs:12050"},
	},
}, {
	title: "The owner drops the static nfs from Git",
	tells: `
Argo CD syncs the commit. It takes away its own port and nothing else; that is
the owner's change, and the owner's restart. portside's next apply is a no-op.`,
	sync:     func(m *manifests) { m.dropPort("nfs") },
	portside: pass("adapters-nfs-renumbered.json"),
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12050/TCP", us}},
		states:     []string{"adapter-nfs:12050/TCP Owned"},
		generation: 5, podStarts: 5, sent: 1, stored: 0,
		reaches: []string{"nfs:12050"},
	},
}, {
	title: "nfs moves back to 12049",
	tells: `
Nobody else declares 12049 any more, so it is portside's to have. The old
number goes and the new one comes in one write: one restart, not two.`,
	portside: pass("adapters-smb-disabled.json"),
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12049/TCP", us}},
		states:     []string{"adapter-nfs:12049/TCP Owned"},
		generation: 6, podStarts: 6, sent: 1, stored: 1,
		reaches: []string{"nfs:12049"},
	},
}, {
	title: "portside is taken out again",
	tells: `
It gives up its entry and leaves the port in place, so leaving costs nothing:
the generation is what it was, and no pod restarts.`,
	portside: []string{"release", "statefulset/dittofs", "--keep-ports"},
	want: want{
		ports:      []ownedPort{api, metrics, {"adapter-nfs:12049/TCP", ""}},
		generation: 6, podStarts: 6, sent: 1, stored: 1,
		reaches: []string{"nfs:12049"},
	},
}}

// pass is one pass of portside with a recorded answer of DittoFS.
func pass(recording string) []string {
	return []string{"sync", "-f", "adapterset.yaml", "--adapters", recording}
}
