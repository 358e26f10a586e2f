package argocd_test

import (
	"errors"
	"regexp"
	"testing"

	syncommon "github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const (
	clientSideExample = "argocd/application.yaml"
	serverSideExample = "argocd/application-server-side.yaml"

	serverSideDiff = "ServerSideDiff=true"
	clientSideDiff = "ServerSideDiff=false"
	respectIgnored = "RespectIgnoreDifferences=true"
)

// moveFromReplace is tested by [TestMoveToServerSide].
const moveFromReplace = " (move with the annotation argocd.argoproj.io/client-side-apply-migration-manager: argocd-application-controller; RespectIgnoreDifferences does not help)"

// setup is an example of an application with changes.
type setup struct {
	name    string
	example string
	compare string   // replaces the example's annotation compare-options
	options []string // further syncOptions
	ignore  []v1alpha1.ResourceIgnoreDifferences
	set     string // compat.Mode's
	// byNumber is compat.Mode's.
	byNumber bool
}

func clientSide() setup {
	return setup{
		name: "client-side apply, client-side diff", example: clientSideExample, byNumber: true,
		set: "ServerSideApply=true and ServerSideDiff=true (otherwise leave adapter ports, and their numbers with another protocol, out of Git, and write an empty list of ports rather than no list)",
	}
}

func clientSideServerDiff() setup {
	return setup{
		name: "client-side apply, server-side diff", example: clientSideExample, compare: serverSideDiff, byNumber: true,
		set: "ServerSideApply=true as well (without it Argo CD cannot compare a renumbered port, with or without portside)",
	}
}

func serverSideMerged() setup {
	return setup{
		name: "server-side apply, structured merge diff", example: serverSideExample, compare: clientSideDiff,
		set: "run portside release before the container is renamed; leave adapter ports out of Git",
	}
}

func serverSide() setup {
	return setup{
		name: "server-side apply, server-side diff", example: serverSideExample,
		set: "run portside release before the container is renamed; leave adapter ports out of Git",
	}
}

func ignoringClientSide() setup {
	return setup{
		name:    "client-side apply, client-side diff, portside ignored (RespectIgnoreDifferences=true, and ignoreDifferences with managedFieldsManagers: portside)",
		example: clientSideExample, options: []string{respectIgnored}, ignore: byManager(), byNumber: true,
		set: "no ignoreDifferences (it is not needed, and with it Git cannot take the number of an adapter port)",
	}
}

func ignoringServerSide() setup {
	return setup{
		name:    "server-side apply, server-side diff, portside ignored (RespectIgnoreDifferences=true, and ignoreDifferences with managedFieldsManagers: portside)",
		example: serverSideExample, options: []string{respectIgnored}, ignore: byManager(),
		set: "no ignoreDifferences (it is not needed, and with it Git cannot take the number of an adapter port)",
	}
}

func replace() setup {
	return setup{
		name: "Replace=true, client-side diff", example: clientSideExample, options: []string{syncommon.SyncOptionReplace},
		set: "ServerSideApply=true and ServerSideDiff=true instead of Replace=true" + moveFromReplace,
	}
}

func replaceServerDiff() setup {
	return setup{
		name: "Replace=true, server-side diff", example: clientSideExample, compare: serverSideDiff, options: []string{syncommon.SyncOptionReplace},
		set: "ServerSideApply=true and ServerSideDiff=true instead of Replace=true" + moveFromReplace,
	}
}

// byManager ignores what portside manages, as an owner would configure it.
func byManager() []v1alpha1.ResourceIgnoreDifferences {
	return []v1alpha1.ResourceIgnoreDifferences{{
		Group: "apps", Kind: "StatefulSet", ManagedFieldsManagers: []string{testenv.Portside},
	}}
}

// byName ignores the adapter ports by their name.
func byName() []v1alpha1.ResourceIgnoreDifferences {
	return []v1alpha1.ResourceIgnoreDifferences{{
		Group: "apps", Kind: "StatefulSet",
		JQPathExpressions: []string{`.spec.template.spec.containers[].ports[]? | select((.name // "") | startswith("adapter-"))`},
	}}
}

// definition returns the Application.
func (u setup) definition(t testing.TB) *v1alpha1.Application {
	t.Helper()
	app := application(t, u.example)
	if u.compare != "" {
		app.Annotations = map[string]string{common.AnnotationCompareOptions: u.compare}
	}
	for _, option := range u.options {
		app.Spec.SyncPolicy.SyncOptions = app.Spec.SyncPolicy.SyncOptions.AddOption(option)
	}
	app.Spec.IgnoreDifferences = u.ignore
	return app
}

// mode returns the setup as a mode of package compat.
func (u setup) mode(t testing.TB) compat.Mode {
	t.Helper()
	definition := u.definition(t)
	replacing := definition.DeepCopy()
	replacing.Spec.SyncPolicy.SyncOptions = replacing.Spec.SyncPolicy.SyncOptions.AddOption(syncommon.SyncOptionReplace)
	mode := compat.Mode{
		Tool: "Argo CD", Mode: u.name, Set: u.set,
		Sync: shortErrors(syncs(definition)), Compare: compares(definition),
		Replace: shortErrors(syncs(replacing)), Switch: syncommon.SyncOptionReplace,
		Forces: true, ByNumber: u.byNumber, Ignores: u.ignore != nil,
	}
	if definition.Spec.SyncPolicy.SyncOptions.HasOption(syncommon.SyncOptionReplace) {
		mode.Replace, mode.Switch = nil, ""
		mode.ByNumber, mode.Replaces = true, true
	}
	return mode
}

var twoOfOneStaticName = regexp.MustCompile(`error calculating server side diff.*Duplicate value: "(?:api|metrics|nfs|web)"`)

// errCannotCompare replaces Argo CD's error for a port of the owner's that has
// another number in Git. See [TestServerSideDiff_clientSideApply].
var errCannotCompare = errors.New("Argo CD's dry run keeps both the old and the new number, with or without portside")

// shortErrors replaces Argo CD's own errors by a text that is short enough for a
// table.
func shortErrors(sync func(*compat.Site, compat.Commit) error) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		err := sync(s, c)
		if err != nil && twoOfOneStaticName.MatchString(err.Error()) {
			return errCannotCompare
		}
		return err
	}
}
