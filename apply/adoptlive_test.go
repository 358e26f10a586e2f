package apply_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

// adoptingFromLive is an adoption that must be refused because a manager applies
// these ports.
func adoptingFromLive(manager string, ports []port.Port, from []string, options ...apply.Option) testenv.Do {
	return testenv.Do{What: "an adoption from " + strings.Join(from, ", "), Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(cp.Config(), options...)
		if err != nil {
			return err
		}
		target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
		want := apply.LiveManagerError{Target: target, Manager: fieldmanager.Applier(manager), Ports: ports}
		result, err := applier.Adopt(ctx, target, "", from)
		if got := new(apply.LiveManagerError); !errors.As(err, &got) || !reflect.DeepEqual(*got, want) || result.Outcome != apply.Failed {
			return fmt.Errorf("outcome %s, error %w; want %v", result.Outcome, err, &want)
		}
		return nil
	}}
}

// TestAdoptionFromApplyEntry is refused: the manager still declares the ports, and its
// next apply would be refused.
func TestAdoptionFromApplyEntry(t *testing.T) {
	t.Parallel()
	const theirs = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}]"
	theirNFS := port.Port{Name: "adapter-nfs", Number: 2049, Protocol: "TCP"}
	t.Run("and its manager syncs as before", func(t *testing.T) {
		t.Parallel()
		story(argo(theirs),
			adoptingFromLive(testenv.ArgoCD, []port.Port{theirNFS}, []string{testenv.ArgoCD}),
			adoptingFromLive(testenv.ArgoCD, []port.Port{theirNFS}, []string{testenv.ArgoCD}, apply.WithDryRun(true)),
			testenv.Expect{Change: testenv.NothingChanged, Owners: map[string][]string{"2049/TCP": {argoApply}}},
			argo(theirs), testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("else its next apply would be refused", func(t *testing.T) {
		t.Parallel()
		refused := argo(theirs)
		refused.Force, refused.Refused = true, testenv.Invalid(`Duplicate value: "adapter-nfs"`)
		story(argo(theirs), adoptingFromGone(testenv.ArgoCD).is(apply.Applied, "adapter-nfs 2049/TCP Owned portside/Apply"),
			wanting(nfs).is(apply.Applied, ownedNFS, "adapter-nfs 2049/TCP Removed"), refused,
		).Run(t, testenv.Shared(t))
	})
	t.Run("also with a manager that updates", func(t *testing.T) {
		t.Parallel()
		story(argo(theirs), updates(testenv.DittoFSOperator, "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}, {name: adapter-smb, containerPort: 1445}]"),
			adoptingFromLive(testenv.ArgoCD, []port.Port{theirNFS}, []string{testenv.DittoFSOperator, testenv.ArgoCD}),
			testenv.Expect{Change: testenv.NothingChanged},
			adopting(testenv.DittoFSOperator).is(apply.Applied, ownedSMB),
			testenv.Expect{Owners: map[string][]string{"2049/TCP": {argoApply}, "1445/TCP": {usApply}}},
		).Run(t, testenv.Shared(t))
	})
}

// TestBlockedPortsAdoptFrom: only managers that update are offered for adoption.
func TestBlockedPortsAdoptFrom(t *testing.T) {
	t.Parallel()
	const on2049 = "[{name: api, containerPort: 8080}, {name: adapter-nfs, containerPort: 2049}]"
	offers := func(want ...string) testenv.Do {
		return testenv.Do{What: "a reconciliation", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
			applier, err := applierFor(cp.Config())
			if err != nil {
				return err
			}
			result, err := applying(nfs)(ctx, applier, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs})
			if err != nil {
				return err
			}
			p := result.Ports[0]
			if p.Blocker == nil || strings.Join(p.Blocker.AdoptFrom, ",") != strings.Join(want, ",") {
				return fmt.Errorf("%s: blocked by %+v, want adoption from %q", p.Reason, p.Blocker, want)
			}
			return nil
		}}
	}
	for name, steps := range map[string][]testenv.Step{
		"one that applies":             {argo(on2049), offers()},
		"one that updates":             {argo(static), updates(testenv.DittoFSOperator, on2049), offers(testenv.DittoFSOperator)},
		"one that applies and updates": {argo(on2049), testenv.Do{What: "ours", Func: anyReconcile(at(nfs, 2049))}, updates("op", on2049), offers()},
		"before the first apply":       {argo(on2049), emptied, argo(static), offers(fieldmanager.BeforeFirstApply)},
		"one that only named it": {argo("[{name: nfs, containerPort: 2049}]"),
			edits(testenv.KubectlEdit, `[{"op":"replace","path":"/spec/template/spec/containers/0/ports/0/name","value":"adapter-nfs"}]`), offers()},
		"two items with one key": {argo("[{name: nfs, containerPort: 12049}]"),
			updates(testenv.DittoFSOperator, "[{name: nfs, containerPort: 12049}, {name: adapter-nfs, containerPort: 12049}]"), offers(testenv.DittoFSOperator)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(steps...).Run(t, testenv.Shared(t))
		})
	}
}

// TestTextsNameNoCommand: texts of the library do not name portside's command.
func TestTextsNameNoCommand(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`portside (adopt|apply|diff|owners|release|run|sync)\b|spec\.rollout`)
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && command.MatchString(literal.Value) {
				t.Errorf("%s: %s", file, literal.Value)
			}
			return true
		})
	}
}
