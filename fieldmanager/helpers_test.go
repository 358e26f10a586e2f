package fieldmanager_test

import (
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// The managers of these tests: who declares the workload, the operator that
// wrote the ports before, and the one that takes them over.
var (
	argocd   = fieldmanager.Applier("argocd-controller")
	operator = fieldmanager.Updater("dittofs-operator")
	portside = fieldmanager.Applier("portside")
)

// The lists of these tests.
var (
	containers = fieldmanager.ListAt("spec", "template", "spec", "containers")
	ports      = fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "web"), "ports")
	envVars    = fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "web"), "env")
)

var portLeaves = []string{"containerPort", "name", "protocol"}

// then is the time of an entry, a number of minutes into the day.
func then(minutes int) *metav1.Time {
	return &metav1.Time{Time: time.Date(2026, 3, 4, 0, minutes, 0, 0, time.UTC)}
}

func port(number int) fieldmanager.Key {
	return fieldmanager.KeyOf("containerPort", number, "protocol", "TCP")
}

// entry is an entry of managedFields for apps/v1 whose fields are fields.
func entry(m fieldmanager.Manager, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager:     m.Name,
		Operation:   m.Operation,
		Subresource: m.Subresource,
		APIVersion:  "apps/v1",
		FieldsType:  "FieldsV1",
		FieldsV1:    metav1.NewFieldsV1(fields),
		Time:        then(0),
	}
}

// inWeb is a set of fields of the container named web.
func inWeb(fields string) string {
	return `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{` + fields + `}}}}}}`
}

// portsOfWeb is a set of fields of the ports of the container named web.
func portsOfWeb(fields string) string { return inWeb(`"f:ports":{` + fields + `}`) }

const (
	item2049  = `"k:{\"containerPort\":2049,\"protocol\":\"TCP\"}":`
	item12049 = `"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":`
	threeOf   = `{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}`
)

// reporter is what *testing.T and *rapid.T have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func decode(tb reporter, managed ...metav1.ManagedFieldsEntry) fieldmanager.Entries {
	tb.Helper()
	entries, err := fieldmanager.Decode(managed)
	if err != nil {
		tb.Fatalf("Decode: %v", err)
	}
	return entries
}

// sets are the paths that each manager owns.
func sets(entries fieldmanager.Entries) map[fieldmanager.Manager]*fieldpath.Set {
	of := map[fieldmanager.Manager]*fieldpath.Set{}
	for _, e := range entries {
		if of[e.Manager] == nil {
			of[e.Manager] = fieldpath.NewSet()
		}
		of[e.Manager] = of[e.Manager].Union(fieldmanager.SetOf(e.Fields))
	}
	return of
}

// of returns the owners of an item, whose key has all key fields of the list.
func of(tb reporter, owners fieldmanager.ListOwners, key fieldmanager.Key) fieldmanager.ItemOwners {
	tb.Helper()
	item, err := owners.Of(key)
	if err != nil {
		tb.Fatalf("Of: %v", err)
	}
	return item
}

func texts(keys []fieldmanager.Key) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.String())
	}
	return all
}

func same(tb reporter, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
