package apply_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

var ftpPort = exposed("ftp", 21, 1021)

// TestService_NodePortStays keeps the node port of each adapter over every change of its
// port.
func TestService_NodePortStays(t *testing.T) {
	t.Parallel()
	owned := func(name, number string) string { return "adapter-" + name + " " + number + " Owned portside/Apply" }
	serviceStory(
		by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)), exposing(nfsPort, smbPort, ftpPort).is(apply.Applied, ownedNFSPort, ownedSMBPort, owned("ftp", "21/TCP->1021")),
		keepingNodePorts("api adapter-nfs adapter-smb adapter-ftp", exposing(nfsPort, smbPort, ftpPort).costing("GET 1, APPLY 1").is(apply.Unchanged,
			ownedNFSPort, ownedSMBPort, owned("ftp", "21/TCP->1021"))),
		keepingNodePorts("api adapter-nfs adapter-smb adapter-ftp", exposing(exposed("nfs", 2050, 12050), smbPort, ftpPort).costing("GET 1, APPLY 1").is(apply.Applied,
			owned("nfs", "2050/TCP->12050"), ownedSMBPort, owned("ftp", "21/TCP->1021"), "adapter-nfs 2049/TCP->12049 Removed")),
		// The number of another: the server would keep that one's node port.
		keepingNodePorts("adapter-nfs adapter-smb adapter-ftp", exposing(on(nfsPort, 445), on(smbPort, 446), ftpPort).costing("GET 1, APPLY 2").is(apply.Applied,
			owned("nfs", "445/TCP->12049"), owned("smb", "446/TCP->1445"), owned("ftp", "21/TCP->1021"), "adapter-nfs 2050/TCP->12050 Removed")),
		keepingNodePorts("adapter-nfs adapter-ftp", exposing(on(nfsPort, 446), ftpPort).costing("GET 1, APPLY 2").is(apply.Applied,
			owned("nfs", "446/TCP->12049"), owned("ftp", "21/TCP->1021"), "adapter-nfs 445/TCP->12049 Removed")),
		// A new port for the number that another leaves.
		keepingNodePorts("adapter-nfs adapter-ftp", exposing(on(nfsPort, 447), on(smbPort, 446), ftpPort).costing("GET 1, APPLY 2").is(apply.Applied,
			owned("nfs", "447/TCP->12049"), owned("smb", "446/TCP->1445"), owned("ftp", "21/TCP->1021"))),
		keepingNodePorts("adapter-nfs adapter-ftp", exposing(on(nfsPort, 446), ftpPort).costing("GET 1, APPLY 2").is(apply.Applied,
			owned("nfs", "446/TCP->12049"), owned("ftp", "21/TCP->1021"), "adapter-nfs 447/TCP->12049 Removed")),
		// Three in a row.
		keepingNodePorts("adapter-nfs adapter-ftp", exposing(on(nfsPort, 446), on(ftpPort, 22), smbPort).is(apply.Applied,
			owned("nfs", "446/TCP->12049"), owned("ftp", "22/TCP->1021"), ownedSMBPort, "adapter-ftp 21/TCP->1021 Removed")),
		keepingNodePorts("adapter-nfs adapter-ftp adapter-smb", exposing(on(nfsPort, 22), on(ftpPort, 445), on(smbPort, 447)).costing("GET 1, APPLY 3").is(apply.Applied,
			owned("nfs", "22/TCP->12049"), owned("ftp", "445/TCP->1021"), owned("smb", "447/TCP->1445"), "adapter-nfs 446/TCP->12049 Removed")),
		// An exchange: no number becomes free, so that the node ports stay with the numbers.
		exposing(on(nfsPort, 445), on(ftpPort, 22), on(smbPort, 447)).costing("GET 1, APPLY 1").is(apply.Applied,
			owned("nfs", "445/TCP->12049"), owned("ftp", "22/TCP->1021"), owned("smb", "447/TCP->1445")),
	).Run(t, testenv.Shared(t))
}

// TestService_NodePortStays_WithoutNodePorts renumbers to the number of another in one
// request where there are no node ports.
func TestService_NodePortStays_WithoutNodePorts(t *testing.T) {
	t.Parallel()
	serviceStory(argoService(staticPorts), exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
		exposing(on(nfsPort, 445), on(smbPort, 446)).costing("GET 1, APPLY 1").is(apply.Applied,
			"adapter-nfs 445/TCP->12049 Owned portside/Apply", "adapter-smb 446/TCP->1445 Owned portside/Apply", "adapter-nfs 2049/TCP->12049 Removed"),
	).Run(t, testenv.Shared(t))
}

// pinned returns the port with a node port.
func pinned(p apply.ServicePort, number int32) apply.ServicePort {
	p.NodePort = number
	return p
}

// TestService_PinnedNodePort applies a node port where the desired port has one.
func TestService_PinnedNodePort(t *testing.T) {
	t.Parallel()
	t.Run("of a new port, changed, and no longer pinned", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		first, second := freeNodePort(), freeNodePort()
		expectNodePort := func(number int32) testenv.Do {
			return testenv.Do{What: "the node port", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
				live, err := cp.Manager("testenv").Get(ctx, "Service", namespace, dittofs)
				if got := testenv.NodePorts(live)["adapter-nfs"]; err != nil || got != int64(number) {
					return fmt.Errorf("node port %d, %w, want %d", got, err, number)
				}
				return nil
			}}
		}
		serviceStory(by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)),
			exposing(pinned(nfsPort, first)).is(apply.Applied, ownedNFSPort), expectNodePort(first),
			testenv.Expect{Owners: map[string][]string{"2049/TCP.nodePort": {usApply}}},
			exposing(pinned(nfsPort, first)).costing("GET 1, APPLY 1").is(apply.Unchanged, ownedNFSPort),
			exposing(pinned(nfsPort, second)).is(apply.Applied, ownedNFSPort), expectNodePort(second),
			exposing(pinned(on(nfsPort, 2050), second)).is(apply.Applied, "adapter-nfs 2050/TCP->12049 Owned portside/Apply", "adapter-nfs 2049/TCP->12049 Removed"), expectNodePort(second),
			exposing(on(nfsPort, 2050)).is(apply.Applied, "adapter-nfs 2050/TCP->12049 Owned portside/Apply"), expectNodePort(second),
		).Run(t, cp)
	})
	t.Run("that another port of the Service has", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		number, second := freeNodePort(), freeNodePort()
		serviceStory(
			by(testenv.ArgoCD, serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", number))),
			exposing(pinned(nfsPort, number), smbPort).costing("GET 1, APPLY 1").is(apply.Applied,
				fmt.Sprintf(`adapter-nfs 2049/TCP->12049 Blocked: the nodePort %d is allocated to 8080/TCP as "api"`, number), ownedSMBPort),
			exposing(smbPort, pinned(nfsPort, second), pinned(ftpPort, second)).is(apply.Applied, ownedSMBPort, ownedNFSPort,
				fmt.Sprintf(`adapter-ftp 21/TCP->1021 Blocked: the adapter "nfs" has the nodePort %d`, second)),
		).Run(t, cp)
	})
	t.Run("that another adapter has and takes along", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		number := freeNodePort()
		serviceStory(by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)),
			exposing(pinned(ftpPort, number)).is(apply.Applied, "adapter-ftp 21/TCP->1021 Owned portside/Apply"),
			keepingNodePorts("adapter-ftp", exposing(pinned(nfsPort, number), pinned(on(ftpPort, 22), number), smbPort).is(apply.Applied,
				fmt.Sprintf(`adapter-nfs 2049/TCP->12049 Blocked: the adapter "ftp" has the nodePort %d`, number),
				"adapter-ftp 22/TCP->1021 Owned portside/Apply", ownedSMBPort, "adapter-ftp 21/TCP->1021 Removed")),
		).Run(t, cp)
	})
	t.Run("that a blocked adapter keeps", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		number, second := freeNodePort(), freeNodePort()
		serviceStory(by(testenv.ArgoCD, serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", number))),
			exposing(pinned(ftpPort, second)).is(apply.Applied, "adapter-ftp 21/TCP->1021 Owned portside/Apply"),
			keepingNodePorts("adapter-ftp", exposing(pinned(nfsPort, second), pinned(on(ftpPort, 22), number), smbPort).is(apply.Applied,
				fmt.Sprintf(`adapter-nfs 2049/TCP->12049 Blocked: the nodePort %d is allocated to 21/TCP as "adapter-ftp"`, second),
				fmt.Sprintf(`adapter-ftp 22/TCP->1021 Blocked: the nodePort %d is allocated to 8080/TCP as "api"; 21/TCP stays as it is`, number), ownedSMBPort)),
		).Run(t, cp)
	})
	t.Run("that another Service has", func(t *testing.T) {
		t.Parallel()
		cp := testenv.Shared(t)
		number := freeNodePort()
		other := strings.Replace(serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", number)), "name: dittofs", "name: other", 1)
		serviceStory(
			by(testenv.ArgoCD, other), by(testenv.ArgoCD, serviceOf(nodePorts, staticPorts)),
			// The port costs itself and one more request.
			exposing(pinned(nfsPort, number), smbPort).refused().costing("GET 1, APPLY 2").is(apply.Applied,
				fmt.Sprintf("adapter-nfs 2049/TCP->12049 Blocked: the API server does not take the nodePort of 2049/TCP: Invalid value: %d: provided port is already allocated", number), ownedSMBPort),
			exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
			// What is live stays.
			keepingNodePorts("adapter-nfs adapter-smb", exposing(pinned(nfsPort, number), smbPort).refused().costing("GET 1, APPLY 2").is(apply.Unchanged,
				fmt.Sprintf("adapter-nfs 2049/TCP->12049 Blocked portside/Apply: the API server does not take the nodePort of 2049/TCP: Invalid value: %d: provided port is already allocated", number), ownedSMBPort)),
		).Run(t, cp)
	})
}

// nodePortsGiven is how many node ports tests have asked for.
var nodePortsGiven atomic.Int32

// freeNodePort returns a node port that no other test has: the server allocates no number
// of the first 86 of its range before the others are allocated.
func freeNodePort() int32 { return 29999 + nodePortsGiven.Add(1) }

// TestService_DryRun foresees no node port that the server would invent.
func TestService_DryRun(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	number, second := freeNodePort(), freeNodePort()
	serviceStory(
		by(testenv.ArgoCD, serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", number))),
		exposing(nfsPort, pinned(smbPort, second)).foreseeing(fmt.Sprintf("api:8080/TCP->8080 nodePort=%d", number),
			fmt.Sprintf("adapter-smb:445/TCP->1445 nodePort=%d", second), "adapter-nfs:2049/TCP->12049 nodePort=0").is(apply.Applied, ownedNFSPort, ownedSMBPort),
		testenv.Expect{Change: testenv.NothingChanged},
	).Run(t, cp)
}

// TestService_DryRun_Steps foresees what the second request of a change stores.
func TestService_DryRun_Steps(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	api, nfs, smb := freeNodePort(), freeNodePort(), freeNodePort()
	static := serviceOf(nodePorts, fmt.Sprintf("[{name: api, port: 8080, nodePort: %d}]", api))
	serviceStory(by(testenv.ArgoCD, static),
		exposing(pinned(nfsPort, nfs), pinned(smbPort, smb)).is(apply.Applied, ownedNFSPort, ownedSMBPort),
		exposing(nfsPort, smbPort).is(apply.Applied, ownedNFSPort, ownedSMBPort),
		exposing(on(nfsPort, 445), on(smbPort, 446)).foreseeing(fmt.Sprintf("api:8080/TCP->8080 nodePort=%d", api),
			fmt.Sprintf("adapter-smb:446/TCP->1445 nodePort=%d", smb), fmt.Sprintf("adapter-nfs:445/TCP->12049 nodePort=%d", nfs)).is(apply.Applied,
			"adapter-nfs 445/TCP->12049 Owned portside/Apply", "adapter-smb 446/TCP->1445 Owned portside/Apply", "adapter-nfs 2049/TCP->12049 Removed"),
		testenv.Expect{Change: testenv.NothingChanged},
		// Of three requests the server can be asked for the first.
		exposing(on(ftpPort, 2049), on(nfsPort, 445), on(smbPort, 446)).foreseeing(fmt.Sprintf("api:8080/TCP->8080 nodePort=%d", api),
			fmt.Sprintf("adapter-smb:446/TCP->1445 nodePort=%d", smb), "adapter-ftp:2049/TCP->1021 nodePort=0", fmt.Sprintf("adapter-nfs:445/TCP->12049 nodePort=%d", nfs)).is(apply.Applied,
			"adapter-ftp 2049/TCP->1021 Owned portside/Apply", "adapter-nfs 445/TCP->12049 Owned portside/Apply", "adapter-smb 446/TCP->1445 Owned portside/Apply"),
	).Run(t, cp)
}
