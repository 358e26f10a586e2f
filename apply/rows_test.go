package apply_test

import (
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// The tests TestRow… are the rows of the table in the package comment, each with the ports
// that must not change.

const static = "[{name: api, containerPort: 8080}]"

func TestRow01_FreeKey(t *testing.T) {
	t.Parallel()
	story(
		argo(static),
		wanting(nfs, smb).costing("GET 1, APPLY 1").is(apply.Applied,
			"adapter-nfs 12049/TCP Owned portside/Apply",
			"adapter-smb 1445/TCP Owned portside/Apply"),
		testenv.Expect{
			Change: testenv.SpecChanged,
			Ports:  []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"},
			Owners: map[string][]string{
				"12049/TCP": {usApply}, "12049/TCP.name": {usApply},
				"8080/TCP": {argoApply}, "8080/TCP.name": {argoApply},
				"": {argoApply, usApply}, "image": {argoApply},
			},
		},
	).Run(t, testenv.Shared(t))
}

func TestRow02_OursAlone(t *testing.T) {
	t.Parallel()
	owned := "adapter-nfs 12049/TCP Owned portside/Apply"
	t.Run("with our name", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, owned),
			wanting(nfs).costing("GET 1, APPLY 1").is(apply.Unchanged, owned),
			testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("without a name", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, owned),
			edits(testenv.KubectlEdit, `[{"op":"remove","path":"/spec/template/spec/containers/0/ports/1/name"}]`),
			wanting(nfs).is(apply.Applied, owned),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("with the name of another adapter", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, owned),
			wanting(at(smb, 12049)).is(apply.Applied, "adapter-smb 12049/TCP Owned portside/Apply"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "adapter-smb:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestRow03_RenamedByAnother(t *testing.T) {
	t.Parallel()
	renamed := `adapter-nfs 12049/TCP Blocked portside/Apply: kubectl-edit (Update) renamed it to "backup"; name it adapter-nfs again to have it back`
	rename := edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"backup"}]`)
	t.Run("it stays as it is", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"), rename,
			wanting(nfs).is(apply.Unchanged, renamed),
			testenv.Expect{
				Change: testenv.NothingChanged,
				Ports:  []string{"api:8080/TCP", "backup:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {usApply}, "12049/TCP.name": {editUpdate}},
			},
			// Once it is not wanted it is whose name it has.
			wanting().is(apply.Applied, `backup 12049/TCP Released kubectl-edit/Update: kubectl-edit (Update) named it "backup", so it stays and belongs to that manager`),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"api:8080/TCP", "backup:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {editUpdate}, "12049/TCP.name": {editUpdate}, "12049/TCP.containerPort": {editUpdate}, "": {argoApply}},
			},
			wanting().is(apply.Unchanged),
			argo(static), testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("named ours again, it is ours to remove", func(t *testing.T) {
		t.Parallel()
		owned := "adapter-nfs 12049/TCP Owned portside/Apply"
		story(argo(static), wanting(nfs).is(apply.Applied, owned), rename,
			edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"adapter-nfs"}]`),
			wanting(nfs).is(apply.Applied, owned),
			testenv.Expect{Owners: map[string][]string{"12049/TCP": {usApply}, "12049/TCP.name": {editUpdate, usApply}}},
			wanting().is(apply.Applied, "adapter-nfs 12049/TCP Removed"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("also while our name is on another port", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"), rename,
			argo("[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 3049}]"),
			wanting(nfs).is(apply.Unchanged, renamed),
			testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", "backup:12049/TCP", "adapter-nfs:3049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("the name it was given blocks the adapter of that name", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"),
			edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/1/name","value":"adapter-smb"}]`),
			wanting(nfs, smb).costing("GET 1, APPLY 1").is(apply.Unchanged,
				`adapter-nfs 12049/TCP Blocked portside/Apply: kubectl-edit (Update) renamed it to "adapter-smb"; name it adapter-nfs again to have it back`,
				"adapter-smb 1445/TCP Blocked: the name adapter-smb is held by kubectl-edit (Update) on 12049/TCP; rename that port"),
			testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
}

func TestRow04_SharedAndNamedByAnother(t *testing.T) {
	t.Parallel()
	const both = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 12049}]"
	for name, first := range map[string]testenv.Step{
		"M came first":  argo(both),
		"we came first": wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := "adapter-nfs 12049/TCP Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply)"
			story(argo(static), first, argo(both),
				testenv.Do{What: "a reconcile", Func: anyReconcile(nfs)},
				wanting(nfs).is(apply.Unchanged, shared),
				testenv.Expect{
					Change: testenv.NothingChanged,
					Ports:  []string{"api:8080/TCP", "adapter-nfs:12049/TCP"},
					Owners: map[string][]string{"12049/TCP": {argoApply, usApply}, "12049/TCP.name": {argoApply, usApply}},
				},
				// M lets go: ours without being asked, and nothing restarts.
				argo(static),
				testenv.Expect{Change: testenv.MetadataChanged},
				wanting(nfs).is(apply.Unchanged, "adapter-nfs 12049/TCP Owned portside/Apply"),
				// Disabled, it goes.
				wanting().is(apply.Applied, "adapter-nfs 12049/TCP Removed"),
				// Declared by M again and disabled with us, it stays M's.
				argo(both),
				wanting().is(apply.Unchanged),
				testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestRow05_AnotherManagersPortWithOurName(t *testing.T) {
	t.Parallel()
	shadowed := `adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply)`
	t.Run("unnamed by its owner", func(t *testing.T) {
		t.Parallel()
		story(argo(static), wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"),
			argo("[{name: api, containerPort: 8080}, {containerPort: 12049}]"),
			testenv.Expect{Owners: map[string][]string{"12049/TCP": {argoApply, usApply}, "12049/TCP.name": {usApply}}},
			wanting(nfs).is(apply.Applied, shadowed+" without a name"),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", ":12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {}},
			},
			wanting(nfs).is(apply.Unchanged, shadowed+" without a name"),
		).Run(t, testenv.Shared(t))
	})
	t.Run("named by its owner by force", func(t *testing.T) {
		t.Parallel()
		force := argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]")
		force.Force = true
		story(argo(static), wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"), force,
			wanting(nfs).is(apply.Applied, shadowed+` as "nfs"`),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"api:8080/TCP", "nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}},
			},
		).Run(t, testenv.Shared(t))
	})
}

func TestRow06_AnotherManagerAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ports, as, live string }{
		"named":   {"[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]", ` as "nfs"`, "nfs:12049/TCP"},
		"unnamed": {"[{name: api, containerPort: 8080}, {containerPort: 12049}]", " without a name", ":12049/TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(argo(c.ports),
				wanting(nfs, smb).costing("GET 1, APPLY 1").is(apply.Applied,
					"adapter-nfs 12049/TCP Shadowed argocd-controller/Apply: 12049/TCP is declared by argocd-controller (Apply)"+c.as,
					"adapter-smb 1445/TCP Owned portside/Apply"),
				testenv.Expect{
					Ports:  []string{"api:8080/TCP", c.live, "adapter-smb:1445/TCP"},
					Owners: map[string][]string{"12049/TCP": {argoApply}},
				},
				argo(static),
				wanting(nfs, smb).is(apply.Applied,
					"adapter-nfs 12049/TCP Owned portside/Apply", "adapter-smb 1445/TCP Owned portside/Apply"),
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestRow07_UnownedWithOurName(t *testing.T) {
	t.Parallel()
	orphaned := orphan("[{name: adapter-nfs, containerPort: 12049}]")
	story(argo(static), orphaned,
		testenv.Expect{Owners: map[string][]string{"12049/TCP": {}, "12049/TCP.name": {}}},
		wanting(nfs).is(apply.Applied, "adapter-nfs 12049/TCP Owned portside/Apply"),
		testenv.Expect{Change: testenv.MetadataChanged, Ports: []string{"api:8080/TCP", "adapter-nfs:12049/TCP"}},
	).Run(t, testenv.Shared(t))
}

func TestRow08_UnownedWithAnotherName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ port, as, live string }{
		"named":   {"[{name: nfs, containerPort: 12049}]", ` as "nfs"`, "nfs:12049/TCP"},
		"unnamed": {"[{containerPort: 12049}]", " without a name", ":12049/TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(argo(static), orphan(c.port),
				wanting(nfs).costing("GET 1, APPLY 0").is(apply.Unchanged,
					"adapter-nfs 12049/TCP Shadowed: 12049/TCP is declared by no known manager"+c.as),
				testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP", c.live}},
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestRow09_OurNameElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("on a port of another", func(t *testing.T) {
		t.Parallel()
		story(argo("[{name: adapter-nfs, containerPort: 2049}]"),
			wanting(nfs, smb).costing("GET 1, APPLY 1").is(apply.Applied,
				"adapter-nfs 12049/TCP Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest",
				"adapter-smb 1445/TCP Owned portside/Apply"),
			testenv.Expect{Ports: []string{"adapter-nfs:2049/TCP", "adapter-smb:1445/TCP"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("on a port that we share", func(t *testing.T) {
		t.Parallel()
		const both = "[{name: adapter-nfs, containerPort: 12049}]"
		blocked := "adapter-nfs 12050/TCP Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 12049/TCP; rename port 12049/TCP in argocd-controller's manifest"
		story(argo(both), testenv.Do{What: "a reconcile", Func: anyReconcile(nfs)},
			testenv.Expect{Owners: map[string][]string{"12049/TCP": {argoApply, usApply}}},
			wanting(at(nfs, 12050)).costing("GET 1, APPLY 1").is(apply.Applied, blocked),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"adapter-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}},
			},
			wanting(at(nfs, 12050)).costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
			// The way out: its owner renumbers, which only we were in the way of.
			argo("[{name: adapter-nfs, containerPort: 12050}]"),
			testenv.Do{What: "a reconcile", Func: anyReconcile(at(nfs, 12050))},
			testenv.Expect{Ports: []string{"adapter-nfs:12050/TCP"}, Owners: map[string][]string{"12050/TCP": {argoApply, usApply}}},
		).Run(t, testenv.Shared(t))
	})
}

func TestRow10_OurNameOnUnownedPort(t *testing.T) {
	t.Parallel()
	story(argo(static), orphan("[{name: adapter-nfs, containerPort: 12049}]"),
		wanting(smb).is(apply.Applied, "adapter-smb 1445/TCP Owned portside/Apply"),
		wanting(at(nfs, 12050), smb).costing("GET 1, APPLY 2").is(apply.Applied,
			"adapter-nfs 12050/TCP Owned portside/Apply", "adapter-smb 1445/TCP Owned portside/Apply"),
		testenv.Expect{
			Change: testenv.SpecChanged,
			Ports:  []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12050/TCP"},
			Owners: map[string][]string{"12050/TCP": {usApply}},
		},
	).Run(t, testenv.Shared(t))
}

func TestRow11_TwoItemsWithOneKey(t *testing.T) {
	t.Parallel()
	story(argo("[{name: nfs, containerPort: 12049}]"),
		updates(testenv.DittoFSOperator, "[{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]"),
		wanting(nfs, smb).costing("GET 1, APPLY 1").is(apply.Applied,
			"adapter-nfs 12049/TCP Blocked dittofs-operator/Update: two ports have the key 12049/TCP; one of them must be removed",
			"adapter-smb 1445/TCP Owned portside/Apply"),
		testenv.Expect{Ports: []string{"nfs:12049/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP"}},
	).Run(t, testenv.Shared(t))
}
