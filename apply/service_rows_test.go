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
