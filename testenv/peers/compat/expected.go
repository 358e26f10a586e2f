package compat

import "strings"

// What the owner's changes come to where they cannot all be made. A test joins
// with [AllBut] what it expects.
const (
	// UntilRelease: a container is renamed by server-side apply.
	UntilRelease = "rename the container (refused: adapter ports would stay in a container without image, until portside release)"
	// ProtocolByMerge: a merge by number cannot tell 12049/UDP from 12049/TCP.
	ProtocolByMerge = "take its number for another protocol (of the adapter ports it leaves adapter-smb:1445/TCP)"
	// OmittedByMerge: a merge by number deletes a whole list that the manifest no
	// longer has.
	OmittedByMerge = "omit ports (of the adapter ports it leaves none)"
	// NameRefused: a port of Git's that has the name of ours moves.
	NameRefused = "refused: the adapter's port has the name, until the adapter moves as well: it is "
)

// AllBut is the answer that all changes can be made but these.
func AllBut(not ...string) string { return "all but: " + strings.Join(not, "; ") }

// ServerSide is what a tool with server-side apply answers: it neither sees nor
// touches our ports, and owns as manager those that both declare.
func ServerSide(manager string) Answers {
	return Answers{
		InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
		OwnerCanChange: AllBut(UntilRelease),
		GitDeclaresPort: "Shared by " + manager + " (dropped from Git: stays; adapter off: stays until Git drops it; " +
			"renumbered in Git: " + NameRefused + "Blocked, and Git can move)",
		RemovedByHand: "portside puts it back (in sync before: yes, after: yes)",
		Replace:       NotAsked,
	}
}

// ClientSide is what a tool answers that sends what changed since its last sync,
// merged by number: it does not see that both declare a port.
func ClientSide() Answers {
	answers := ServerSide("")
	answers.OwnerCanChange = AllBut(OmittedByMerge, ProtocolByMerge)
	answers.GitDeclaresPort = Unseen("works")
	return answers
}

// Unseen is what becomes of a port that Git declares to a tool that does not see
// that it is ours.
func Unseen(renumbered string) string {
	return "Owned (dropped from Git: goes, portside puts it back; adapter off: goes, the next sync puts it back; " +
		"renumbered in Git: " + renumbered + ")"
}

// Replacing is what a tool answers that puts the whole object at each sync.
func Replacing() Answers {
	answers := ClientSide()
	answers.SyncChangesPorts, answers.SyncRestartsPods = "removes them", "yes"
	answers.OwnerCanChange = "only: rename the container (not: image, add, renumber, rename, drop, drop all, omit ports, reorder, " +
		"take an adapter's number, take its number for another protocol (of the adapter ports it leaves none))"
	return answers
}

// NotCompared is the answers of a tool that has no comparison.
func (a Answers) NotCompared() Answers {
	a.InSync, a.RemovedByHand = notCompared, "portside puts it back"
	return a
}

// Replaced is the answers with what the tool's switch to replace does.
func (a Answers) Replaced(answer string) Answers {
	a.Replace = answer
	return a
}

// Changed is the answers with other changes that the owner can make.
func (a Answers) Changed(answer string) Answers {
	a.OwnerCanChange = answer
	return a
}

// Declaring is the answers with something else to become of a port that Git
// declares.
func (a Answers) Declaring(answer string) Answers {
	a.GitDeclaresPort = answer
	return a
}
