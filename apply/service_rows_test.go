package apply_test

import (
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// The tests named TestServiceRow… are the rows of the table for the ports of a Service.

const (
	ownedNFSPort = "adapter-nfs 2049/TCP->12049 Owned portside/Apply"
	ownedSMBPort = "adapter-smb 445/TCP->1445 Owned portside/Apply"
)

func TestServiceRow01(t *testing.T) {
	t.Parallel()
	serviceStory(
		argoService(staticPorts),
		exposing(nfsPort, smbPort).costing("GET 1, APPLY 1").is(apply.Applied, ownedNFSPort, ownedSMBPort),
		testenv.Expect{
			Change: testenv.SpecChanged,
			Ports:  []string{"api:8080/TCP->8080", "adapter-smb:445/TCP->1445", "adapter-nfs:2049/TCP->12049"},
			Owners: map[string][]string{
				"2049/TCP": {usApply}, "2049/TCP.name": {usApply}, "2049/TCP.targetPort": {usApply}, "2049/TCP.nodePort": {},
				"8080/TCP": {argoApply}, "8080/TCP.name": {argoApply},
			},
		},
		exposing(nfsPort, smbPort).costing("GET 1, APPLY 1").is(apply.Unchanged, ownedNFSPort, ownedSMBPort),
		testenv.Expect{Change: testenv.NothingChanged},
		argoService(staticPorts), testenv.Expect{Change: testenv.NothingChanged},
		exposing(exposed("nfs", 2049, 12050), smbPort).is(apply.Applied, "adapter-nfs 2049/TCP->12050 Owned portside/Apply", ownedSMBPort),
		exposing(smbPort).is(apply.Applied, ownedSMBPort, "adapter-nfs 2049/TCP->12050 Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-smb:445/TCP->1445"}},
		exposing().is(apply.Applied, "adapter-smb 445/TCP->1445 Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceRow02(t *testing.T) {
	t.Parallel()
	t.Run("without a name", func(t *testing.T) {
		t.Parallel()
		serviceStory(by(testenv.ArgoCD, serviceOf(headless, "[]")), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			edits(testenv.KubectlEdit, `[{"op":"remove","path":"/spec/ports/0/name"}]`),
			exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"adapter-nfs:2049/TCP->12049"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("with the name of another adapter", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			exposing(on(smbPort, 2049)).costing("GET 1, APPLY 1").is(apply.Applied, "adapter-smb 2049/TCP->1445 Owned portside/Apply"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP->8080", "adapter-smb:2049/TCP->1445"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("with the target port of another manager", func(t *testing.T) {
		t.Parallel()
		taken := "adapter-nfs 2049/TCP->9999 Owned portside/Apply: targetPort is 9999 instead of 12049, declared by kubectl-edit (Update)"
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`),
			exposing(nfsPort).costing("GET 1, APPLY 1").is(apply.Unchanged, taken),
			testenv.Expect{Change: testenv.NothingChanged, Owners: map[string][]string{"2049/TCP.targetPort": {editUpdate}}},
			exposing(exposed("nfs", 2050, 12050), smbPort).is(apply.Applied, "adapter-nfs 2050/TCP->12050 Owned portside/Apply", ownedSMBPort, "adapter-nfs 2049/TCP->9999 Removed"),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-smb:445/TCP->1445", "adapter-nfs:2050/TCP->12050"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceRow03(t *testing.T) {
	t.Parallel()
	renamed := `adapter-nfs 2049/TCP->2049 Blocked portside/Apply: kubectl-edit (Update) renamed it to "backup"; name it adapter-nfs again to have it back`
	serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
		edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/ports/1/name","value":"backup"}]`),
		// Neither the name nor the target port is ours to give.
		exposing(nfsPort).is(apply.Applied, renamed),
		exposing(nfsPort).is(apply.Unchanged, renamed),
		testenv.Expect{
			Change: testenv.NothingChanged,
			Ports:  []string{"api:8080/TCP->8080", "backup:2049/TCP->2049"},
			Owners: map[string][]string{"2049/TCP": {usApply}, "2049/TCP.name": {editUpdate}, "2049/TCP.targetPort": {}},
		},
		exposing().is(apply.Applied, `backup 2049/TCP->2049 Released kubectl-edit/Update: kubectl-edit (Update) named it "backup", so it stays and belongs to that manager`),
		testenv.Expect{
			Change: testenv.MetadataChanged,
			Ports:  []string{"api:8080/TCP->8080", "backup:2049/TCP->2049"},
			Owners: map[string][]string{"2049/TCP": {editUpdate}, "2049/TCP.name": {editUpdate}},
		},
		exposing().is(apply.Unchanged),
	).Run(t, testenv.Shared(t))
}

func TestServiceRow04(t *testing.T) {
	t.Parallel()
	const shared = "adapter-nfs 2049/TCP->12049 Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply)"
	t.Run("without a target port of its owner", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService("[{name: api, port: 8080}, {name: adapter-nfs, port: 2049}]"),
			exposing(nfsPort).is(apply.Applied, shared),
			exposing(nfsPort).is(apply.Unchanged, shared),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->12049"}, Owners: map[string][]string{
				"2049/TCP": {argoApply, usApply}, "2049/TCP.name": {argoApply, usApply}, "2049/TCP.targetPort": {usApply}}},
			argoService(staticPorts), testenv.Expect{Change: testenv.MetadataChanged},
			exposing(nfsPort).is(apply.Unchanged, ownedNFSPort),
		).Run(t, testenv.Shared(t))
	})
	t.Run("with a target port of its owner", func(t *testing.T) {
		t.Parallel()
		const both = "[{name: api, port: 8080}, {name: adapter-nfs, port: 2049, targetPort: 3049}]"
		taken := "adapter-nfs 2049/TCP->3049 Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply); targetPort is 3049 instead of 12049, declared by argocd-controller (Apply)"
		serviceStory(argoService(both),
			exposing(nfsPort).is(apply.Applied, taken),
			exposing(nfsPort).is(apply.Unchanged, taken),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->3049"}, Owners: map[string][]string{"2049/TCP.targetPort": {argoApply}}},
			argoService(both), testenv.Expect{Change: testenv.NothingChanged},
			argoService("[{name: api, port: 8080}, {name: adapter-nfs, port: 2049, targetPort: 12049}]"),
			exposing(nfsPort).is(apply.Unchanged, shared),
			argoService(staticPorts),
			exposing(nfsPort).is(apply.Applied, ownedNFSPort),
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceRow05(t *testing.T) {
	t.Parallel()
	shadowed := "adapter-nfs 2049/TCP->2049 Shadowed argocd-controller/Apply: 2049/TCP is declared by argocd-controller (Apply)"
	t.Run("named by its owner by force", func(t *testing.T) {
		t.Parallel()
		force := argoService("[{name: api, port: 8080}, {name: nfs, port: 2049, targetPort: 2049}]")
		force.Force = true
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort), force,
			exposing(nfsPort).is(apply.Applied, shadowed+` as "nfs"`),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"api:8080/TCP->8080", "nfs:2049/TCP->2049"},
				Owners: map[string][]string{"2049/TCP": {argoApply}, "2049/TCP.name": {argoApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("unnamed by its owner, the only port", func(t *testing.T) {
		t.Parallel()
		serviceStory(by(testenv.ArgoCD, serviceOf(headless, "[]")), exposing(nfsPort).is(apply.Applied, ownedNFSPort),
			by(testenv.ArgoCD, serviceOf(headless, "[{port: 2049}]")),
			testenv.Expect{Owners: map[string][]string{"2049/TCP": {argoApply, usApply}, "2049/TCP.name": {usApply}}},
			exposing(nfsPort).is(apply.Applied, shadowed+" without a name"),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{":2049/TCP->2049"}},
			exposing(nfsPort).is(apply.Unchanged, shadowed+" without a name"),
		).Run(t, testenv.Shared(t))
	})
	t.Run("unnamed by its owner, next to others", func(t *testing.T) {
		t.Parallel()
		const unnamed = "[{name: api, port: 8080}, {port: 2049}]"
		why := ": 2049/TCP is declared by argocd-controller (Apply) without a name, so ours stays on it: a Service with several ports needs a name for each; name port 2049/TCP in argocd-controller's manifest"
		named := "adapter-nfs 2049/TCP->2049 Shadowed argocd-controller/Apply portside/Apply" + why
		serviceStory(argoService(staticPorts), exposing(nfsPort).is(apply.Applied, ownedNFSPort), argoService(unnamed),
			exposing(nfsPort).is(apply.Applied, named),
			exposing(nfsPort, smbPort).is(apply.Applied, named, ownedSMBPort),
			exposing(nfsPort, smbPort).is(apply.Unchanged, named, ownedSMBPort),
			testenv.Expect{
				Ports:  []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->2049", "adapter-smb:445/TCP->1445"},
				Owners: map[string][]string{"2049/TCP.name": {usApply}, "2049/TCP.targetPort": {}},
			},
			argoService(unnamed), testenv.Expect{Change: testenv.NothingChanged},
			exposing().is(apply.Applied, "adapter-nfs 2049/TCP->2049 Retained argocd-controller/Apply portside/Apply"+why, "adapter-smb 445/TCP->1445 Removed"),
			exposing().is(apply.Unchanged, "adapter-nfs 2049/TCP->2049 Retained argocd-controller/Apply portside/Apply"+why),
			argoService(staticPorts),
			exposing().is(apply.Applied, "adapter-nfs 2049/TCP->2049 Removed"),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceRow06(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ports, as, live, target string }{
		"named":     {"[{name: api, port: 8080}, {name: nfs, port: 2049}]", ` as "nfs"`, "nfs:2049/TCP->2049", "2049"},
		"retargets": {"[{name: api, port: 8080}, {name: nfs, port: 2049, targetPort: nfs}]", ` as "nfs"`, "nfs:2049/TCP->nfs", "nfs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serviceStory(argoService(c.ports),
				exposing(nfsPort, smbPort).costing("GET 1, APPLY 1").is(apply.Applied,
					"adapter-nfs 2049/TCP->"+c.target+" Shadowed argocd-controller/Apply: 2049/TCP is declared by argocd-controller (Apply)"+c.as, ownedSMBPort),
				testenv.Expect{
					Ports:  []string{"api:8080/TCP->8080", c.live, "adapter-smb:445/TCP->1445"},
					Owners: map[string][]string{"2049/TCP": {argoApply}},
				},
				argoService(staticPorts),
				exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestServiceRow07(t *testing.T) {
	t.Parallel()
	serviceStory(argoService(staticPorts), orphanServicePorts("[{name: adapter-nfs, port: 2049}]"),
		testenv.Expect{Owners: map[string][]string{"2049/TCP": {}, "2049/TCP.name": {}}},
		exposing(nfsPort).is(apply.Applied, ownedNFSPort),
		testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->12049"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceRow08(t *testing.T) {
	t.Parallel()
	serviceStory(argoService(staticPorts), orphanServicePorts("[{name: nfs, port: 2049}]"),
		exposing(nfsPort).costing("GET 1, APPLY 0").is(apply.Unchanged,
			`adapter-nfs 2049/TCP->2049 Shadowed: 2049/TCP is declared by no known manager as "nfs"`),
		testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->2049"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceRow09(t *testing.T) {
	t.Parallel()
	t.Run("on a port of another manager", func(t *testing.T) {
		t.Parallel()
		serviceStory(argoService("[{name: adapter-nfs, port: 3049}]"),
			exposing(nfsPort, smbPort).costing("GET 1, APPLY 1").is(apply.Applied,
				"adapter-nfs 2049/TCP->12049 Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 3049/TCP; rename port 3049/TCP in argocd-controller's manifest",
				ownedSMBPort),
			testenv.Expect{Ports: []string{"adapter-nfs:3049/TCP->3049", "adapter-smb:445/TCP->1445"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("on a port that we share", func(t *testing.T) {
		t.Parallel()
		blocked := "adapter-nfs 2050/TCP->12049 Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest"
		serviceStory(argoService("[{name: adapter-nfs, port: 2049}]"),
			exposing(nfsPort).is(apply.Applied, "adapter-nfs 2049/TCP->12049 Shared argocd-controller/Apply portside/Apply: also declared by argocd-controller (Apply)"),
			exposing(on(nfsPort, 2050)).costing("GET 1, APPLY 1").is(apply.Applied, blocked),
			testenv.Expect{Ports: []string{"adapter-nfs:2049/TCP->2049"}, Owners: map[string][]string{"2049/TCP": {argoApply}}},
			exposing(on(nfsPort, 2050)).costing("GET 1, APPLY 0").is(apply.Unchanged, blocked),
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceRow10(t *testing.T) {
	t.Parallel()
	serviceStory(by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)), orphanServicePorts("[{name: adapter-nfs, port: 2049}]"),
		exposing(smbPort).is(apply.Applied, ownedSMBPort),
		keepingNodePorts("adapter-nfs", exposing(on(nfsPort, 2050), smbPort).costing("GET 1, APPLY 2").is(apply.Applied,
			"adapter-nfs 2050/TCP->12049 Owned portside/Apply", ownedSMBPort)),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP->8080", "adapter-smb:445/TCP->1445", "adapter-nfs:2050/TCP->12049"},
			Owners: map[string][]string{"2050/TCP": {usApply}},
		},
	).Run(t, testenv.Shared(t))
}
