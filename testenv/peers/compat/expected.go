package compat

import "strings"

// Answers to the owner's changes that cannot all be made, for [AllBut].
const (
	// UntilRelease: a container is renamed by server-side apply.
	UntilRelease = "rename the container (refused: adapter ports would stay in a container without an image; works after portside release)"
	// ProtocolByMerge: a merge by number cannot tell 12049/UDP from 12049/TCP.
	ProtocolByMerge = "take an adapter's number with another protocol (remaining adapter ports: adapter-smb:1445/TCP)"
	// OmittedByMerge: a merge by number deletes a list that is no longer in the
	// manifest.
	OmittedByMerge = "omit ports (remaining adapter ports: none)"
	// NameRefused: Git moves a port that has the name of ours.
	NameRefused = "refused: the adapter's port has the name; once the adapter is renumbered as well, its port is "
)

// AllBut returns the answer that all changes except these can be made.
func AllBut(not ...string) string { return "all but: " + strings.Join(not, "; ") }

// ServerSide returns the answers of a tool with server-side apply: it neither sees
// nor changes our ports, and owns the ports that both declare.
func ServerSide(manager string) Answers {
	return Answers{
		InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
		OwnerCanChange: AllBut(UntilRelease),
		GitDeclaresPort: "Shared by " + manager + " (dropped from Git: stays; adapter inactive: stays until Git drops it; " +
			"renumbered in Git: " + NameRefused + "Blocked and the sync works)",
		RemovedByHand: "portside adds it again (in sync without it: yes, with it: yes)",
		Replace:       NotAsked,
	}
}

// ClientSide returns the answers of a tool that sends what changed since its last
// sync, merged by number: it does not see that both declare a port.
func ClientSide() Answers {
	answers := ServerSide("")
	answers.OwnerCanChange = AllBut(OmittedByMerge, ProtocolByMerge)
	answers.GitDeclaresPort = Unseen("works")
	return answers
}

// Unseen returns the answer for a port that Git declares if the tool does not see
// that it is ours.
func Unseen(renumbered string) string {
	return "Owned (dropped from Git: removed, then portside adds it again; adapter inactive: removed, then the next sync adds it again; " +
		"renumbered in Git: " + renumbered + ")"
}

// Replacing returns the answers of a tool that puts the whole object at each sync.
func Replacing() Answers {
	answers := ClientSide()
	answers.SyncChangesPorts, answers.SyncRestartsPods = "removes them", "yes"
	answers.OwnerCanChange = "only: rename the container (not: image, add, renumber, rename, drop, drop all, omit ports, reorder, " +
		"take an adapter's number, take an adapter's number with another protocol (remaining adapter ports: none))"
	return answers
}

// NotCompared returns the answers of a tool without a comparison.
func (a Answers) NotCompared() Answers {
	a.InSync, a.RemovedByHand = notCompared, "portside adds it again"
	return a
}

// Replaced returns the answers with another one for the option to replace.
func (a Answers) Replaced(answer string) Answers {
	a.Replace = answer
	return a
}

// Changed returns the answers with another one for the changes that the owner can
// make.
func (a Answers) Changed(answer string) Answers {
	a.OwnerCanChange = answer
	return a
}

// Declaring returns the answers with another one for a port that Git declares.
func (a Answers) Declaring(answer string) Answers {
	a.GitDeclaresPort = answer
	return a
}
