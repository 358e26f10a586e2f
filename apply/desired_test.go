package apply_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestPortName(t *testing.T) {
	t.Parallel()
	for adapterType, want := range map[string]string{
		"nfs":              "adapter-nfs",
		"NFS":              "adapter-nfs",
		"7letter":          "adapter-7letter",
		"8letters":         "adapter-8l-1d50",
		"nfs_v4":           "adapter-nfs-v4",
		"-nfs--v4.":        "adapter-nfs-v4",
		"a-verylongtype":   "adapter-a-44c7",
		"custom-adapter-a": "adapter-cu-1e31",
		"custom-adapter-b": "adapter-cu-c0bd",
		"9":                "adapter-9",
		"été":              "adapter-t",
		"日本":               "",
		"":                 "",
		"---":              "",
	} {
		if got := apply.PortName(adapterType); got != want {
			t.Errorf("PortName(%q) is %q, want %q", adapterType, got, want)
		}
	}
}

// TestPortNamesAreValid: Kubernetes accepts every name (fact 11).
func TestPortNamesAreValid(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	rapid.Check(t, func(r *rapid.T) {
		adapterType := rapid.String().Draw(r, "type")
		name := apply.PortName(adapterType)
		if name == "" {
			if strings.ContainsAny(strings.ToLower(adapterType), "abcdefghijklmnopqrstuvwxyz0123456789") {
				r.Fatalf("%q has no name", adapterType)
			}
			return
		}
		if len(name) > 15 || !valid.MatchString(name) || strings.Contains(name, "--") || !strings.HasPrefix(name, port.NamePrefix) {
			r.Fatalf("%q has the name %q", adapterType, name)
		}
		if again := apply.PortName(strings.ToUpper(adapterType)); again != name && strings.ToLower(strings.ToUpper(adapterType)) == strings.ToLower(adapterType) { //nolint:staticcheck // SA6005: EqualFold folds more than ToLower does
			r.Fatalf("%q has the names %q and %q", adapterType, name, again)
		}
	})
}

func TestInvalidAdapters(t *testing.T) {
	t.Parallel()
	const aType = "1 to 63 printable ASCII characters without a backslash"
	running := func(adapterType string, port int64, protocol string) apply.Adapter {
		return apply.Adapter{Type: adapterType, Port: port, Protocol: protocol}
	}
	for name, c := range map[string]struct {
		adapter apply.Adapter
		want    string
	}{
		"no type":          {running("", 1, ""), ` 1/TCP Invalid: the type "" has no letter a to z and no digit to make a port name of`},
		"a type of dashes": {running("--", 1, ""), ` 1/TCP Invalid: the type "--" has no letter a to z and no digit to make a port name of`},
		"port zero":        {running("smb", 0, ""), "adapter-smb 0/TCP Invalid: port 0 is not within 1 to 65535"},
		"a negative port":  {running("smb", -1, ""), "adapter-smb -1/TCP Invalid: port -1 is not within 1 to 65535"},
		"too high a port":  {running("smb", 65536, ""), "adapter-smb 65536/TCP Invalid: port 65536 is not within 1 to 65535"},
		"a huge port":      {running("smb", 1<<32+1445, ""), "adapter-smb 4294968741/TCP Invalid: port 4294968741 is not within 1 to 65535"},
		"an odd protocol":  {running("smb", 1445, "ICMP"), `adapter-smb 1445/ICMP Invalid: protocol "ICMP" is none of TCP, UDP, SCTP`},
		"the same name":    {running("NFS", 3049, ""), `adapter-nfs 3049/TCP Blocked: the adapter "nfs" before it has the same port name`},
		"the same key":     {running("smb", 12049, "tcp"), `adapter-smb 12049/TCP Blocked portside/Apply: the adapter "nfs" before it has the same number and protocol`},
		"another protocol": {running("smb", 12049, "udp"), "adapter-smb 12049/UDP Owned portside/Apply"},
		"the longest type": {running(strings.Repeat("x", 63), 1445, "sctp"), "adapter-xx-7522 1445/SCTP Owned portside/Apply"},
		"too long a type": {
			running(strings.Repeat("x", 64), 1445, ""),
			"adapter-xx-7ce1 1445/TCP Invalid: the type \"" + strings.Repeat("x", 63) + "...\" is not " + aType,
		},
		"a type in unicode":    {running("smbé", 1445, ""), `adapter-smb 1445/TCP Invalid: the type "smb\u00e9" is not ` + aType},
		"a line end":           {running("smb\n", 1445, ""), `adapter-smb 1445/TCP Invalid: the type "smb\n" is not ` + aType},
		"a C1 control":         {running("smb\u009b", 1445, ""), `adapter-smb 1445/TCP Invalid: the type "smb\u009b" is not ` + aType},
		"a backslash":          {running(`smb\`, 1445, ""), `adapter-smb 1445/TCP Invalid: the type "smb\" is not ` + aType},
		"a control protocol":   {running("smb", 1445, "tcp\u009b"), `adapter-smb 1445/TCP\U009B Invalid: protocol "tcp\u009b" is none of TCP, UDP, SCTP`},
		"an upper-case quirk":  {running("smb", 1445, "ſctp"), `adapter-smb 1445/\U017FCTP Invalid: protocol "\u017fctp" is none of TCP, UDP, SCTP`},
		"too long a protocol":  {running("smb", 1445, strings.Repeat("x", 64)), "adapter-smb 1445/" + strings.Repeat("X", 63) + `... Invalid: protocol "` + strings.Repeat("x", 40) + `" is none of TCP, UDP, SCTP`},
		"spaces around a type": {running(" smb ", 1445, ""), "adapter-smb 1445/TCP Owned portside/Apply"},
		"the highest port":     {running("smb", 65535, ""), "adapter-smb 65535/TCP Owned portside/Apply"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ports := []string{ownedNFS, c.want}
			_, why, _ := strings.Cut(c.want, " Invalid: ")
			if got := c.adapter.Problem(); got != why {
				t.Errorf("its problem is %q, want %q", got, why)
			}
			// The rest goes on.
			story(argo(static), wanting(nfs, c.adapter).is(apply.Applied, ports...),
				wanting(nfs, c.adapter).is(apply.Unchanged, ports...),
				testenv.Expect{Change: testenv.NothingChanged},
			).Run(t, testenv.Shared(t))
		})
	}
}

// TestPrintable: a type of a source is printed escaped and truncated, and does not become
// another type by that.
func TestPrintable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		said := apply.Adapter{Type: rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,70}`)).Draw(r, "type"), Port: 1445}
		said.Protocol = said.Type
		shown := said.Printable()
		if len(shown.Type) > 66 || strings.ContainsFunc(shown.Type, func(c rune) bool { return c < ' ' || c > '~' }) || shown.Protocol != shown.Type {
			r.Fatalf("%q is shown as %q, the protocol as %q", said.Type, shown.Type, shown.Protocol)
		}
		if again := shown.Printable(); again != shown {
			r.Fatalf("%q is shown as %q, and that as %q", said.Type, shown.Type, again.Type)
		}
		if valid := v1alpha1.ValidType(said.Type); v1alpha1.ValidType(shown.Type) != valid || valid && shown.Type != said.Type {
			r.Fatalf("%q (valid: %t) is shown as %q", said.Type, valid, shown.Type)
		}
	})
	huge := strings.Repeat("\u009b", 1<<20)
	if shown := (apply.Adapter{Type: huge}).Printable().Type; shown != strings.Repeat(`\u009b`, 11)[:63]+"..." {
		t.Errorf("a long one is shown as %q", shown)
	}
}

// TestInvalidAdapterKeepsItsPort: an adapter that becomes invalid keeps its port.
func TestInvalidAdapterKeepsItsPort(t *testing.T) {
	t.Parallel()
	story(argo(static), wanting(nfs, smb).is(apply.Applied, ownedNFS, ownedSMB),
		wanting(at(nfs, 0), smb).is(apply.Unchanged,
			"adapter-nfs 0/TCP Invalid: port 0 is not within 1 to 65535; 12049/TCP stays as it is", ownedSMB),
		testenv.Expect{Change: testenv.NothingChanged},
		wanting(nfs, at(smb, 12049)).is(apply.Unchanged, ownedNFS,
			`adapter-smb 12049/TCP Blocked portside/Apply: the adapter "nfs" before it has the same number and protocol; 1445/TCP stays as it is`),
		testenv.Expect{Change: testenv.NothingChanged},
		wanting(nfs, apply.Adapter{Type: "smb\u009b", Port: 1445}).is(apply.Unchanged, ownedNFS,
			`adapter-smb 1445/TCP Invalid: the type "smb\u009b" is not 1 to 63 printable ASCII characters without a backslash; 1445/TCP stays as it is`),
		testenv.Expect{Change: testenv.NothingChanged},
		// Unless another adapter is to have the number.
		wanting(at(nfs, 0), at(smb, 12049)).is(apply.Applied,
			"adapter-nfs 0/TCP Invalid: port 0 is not within 1 to 65535", "adapter-smb 12049/TCP Owned portside/Apply", "adapter-smb 1445/TCP Removed"),
		testenv.Expect{Ports: []string{"api:8080/TCP", "adapter-smb:12049/TCP"}},
	).Run(t, testenv.Shared(t))
}

// TestRetainedPortsAndTheLimit: the limit is about active adapters, and a retained port is
// the last to get a number that another has too.
func TestRetainedPortsAndTheLimit(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	applier, target := newApplier(t, cp), workload.Target{Kind: workload.StatefulSet, Namespace: cp.Namespace(t), Name: dittofs}
	cp.Manager(testenv.ArgoCD).In(target.Namespace).MustApply(t, declared(workload.StatefulSet, static))
	reconcile := func(want apply.Desired) apply.Result {
		t.Helper()
		result, err := applier.Apply(t.Context(), target, want)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	full := make([]apply.Adapter, apply.MaxAdapters)
	for i := range full {
		full[i] = apply.Adapter{Type: fmt.Sprintf("t%d", i), Port: int64(1000 + i)}
	}
	reconcile(apply.Desired{Adapters: []apply.Adapter{nfs, smb}})
	result := reconcile(apply.Desired{Adapters: full, Retained: []apply.Adapter{nfs, at(smb, 1000)}})
	if got, want := describe(result.Ports[len(full):]), []string{ownedNFS,
		`adapter-smb 1000/TCP Blocked portside/Apply: the adapter "t0" before it has the same number and protocol; 1445/TCP stays as it is`,
	}; !slices.Equal(got, want) {
		t.Errorf("what waits is %q, want %q", got, want)
	}
	result = reconcile(apply.Desired{Adapters: full})
	if got, want := describe(result.Ports[len(full):]), []string{"adapter-smb 1445/TCP Removed", "adapter-nfs 12049/TCP Removed"}; !slices.Equal(got, want) {
		t.Errorf("then %q, want %q", got, want)
	}
}

func TestTooManyAdapters(t *testing.T) {
	t.Parallel()
	many := make([]apply.Adapter, apply.MaxAdapters+1)
	for i := range many {
		many[i] = apply.Adapter{Type: fmt.Sprintf("t%d", i), Port: int64(1000 + i)}
	}
	refused := testenv.Do{What: "a reconcile", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		err := anyReconcile(many...)(ctx, cp, namespace)
		if tooMany := new(apply.TooManyError); !errors.As(err, &tooMany) || tooMany.Count != len(many) {
			return fmt.Errorf("65 adapters: %w", err)
		}
		return nil
	}}
	story(argo(static), wanting(nfs).is(apply.Applied, ownedNFS),
		refused, testenv.Expect{Change: testenv.NothingChanged},
		testenv.Do{What: "the longest list", Func: anyReconcile(many[:apply.MaxAdapters]...)},
		testenv.Expect{Change: testenv.SpecChanged},
	).Run(t, testenv.Shared(t))
}
