package fieldmanager_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

var takePorts = fieldmanager.Transfer{
	List: ports, Leaves: portLeaves, From: []fieldmanager.Manager{operator},
	To: &fieldmanager.Recipient{Manager: portside, APIVersion: "apps/v1"},
}

// at is the entry at another time.
func at(time *metav1.Time, e metav1.ManagedFieldsEntry) metav1.ManagedFieldsEntry {
	e.Time = time
	return e
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	const (
		bare      = `".":{},"f:name":{}`
		container = bare + `,`
		item8080  = `"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":`
	)
	fromTwo, toNobody, toOneself, loose, withList := takePorts, takePorts, takePorts, takePorts, takePorts
	withList.GivesList = true
	loose.Loose = true
	fromTwo.From = []fieldmanager.Manager{operator, argocd}
	toNobody.To = nil
	toOneself.From = []fieldmanager.Manager{operator, portside}
	applied := func(fields string) metav1.ManagedFieldsEntry { return at(then(7), entry(portside, fields)) }

	for name, test := range map[string]struct {
		h     fieldmanager.Transfer
		from  []metav1.ManagedFieldsEntry
		want  []metav1.ManagedFieldsEntry
		moved []string
	}{
		"nothing, where the giver owns no such item": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{at(then(5), entry(operator, `{"f:spec":{"f:replicas":{}}}`)), at(then(6), entry(argocd, portsOfWeb(item2049+threeOf)))},
			want:  []metav1.ManagedFieldsEntry{at(then(5), entry(operator, `{"f:spec":{"f:replicas":{}}}`)), at(then(6), entry(argocd, portsOfWeb(item2049+threeOf)))},
			moved: nil,
		},
		"the rest of the giver's entry stays": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{at(then(5), entry(operator, inWeb(`"f:image":{},"f:ports":{`+item8080+threeOf+`,`+item12049+threeOf+`}`)))},
			want:  []metav1.ManagedFieldsEntry{at(then(5), entry(operator, inWeb(`"f:image":{},"f:ports":{`+item8080+threeOf+`}`))), at(then(5), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`)))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"the giver keeps the container's key and the list": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{".":{},`+item12049+threeOf+`}`))},
			want:  []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{}`)), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"GivesList removes the former owner's claim on the list": {
			h:     withList,
			from:  []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{".":{},`+item8080+threeOf+`,`+item12049+threeOf+`}`))},
			want:  []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{`+item8080+threeOf+`}`)), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"GivesList changes nothing where no item moves": {
			h:    withList,
			from: []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{".":{},`+item8080+threeOf+`}`))},
			want: []metav1.ManagedFieldsEntry{entry(operator, inWeb(container+`"f:ports":{".":{},`+item8080+threeOf+`}`))},
		},
		"a hostPort stays with the giver": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{".":{},"f:containerPort":{},"f:hostPort":{},"f:protocol":{}}`))},
			want:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:hostPort":{}}`)), entry(portside, inWeb(container+`"f:ports":{`+item12049+`{".":{},"f:containerPort":{},"f:protocol":{}}}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"leaves without the item do not move": {
			h:    takePorts,
			from: []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:name":{}}`))},
			want: []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:name":{}}`))},
		},
		"leaves without the item move where that is asked for": {
			h:     loose,
			from:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:hostPort":{},"f:name":{}}`)), applied(inWeb(container + `"f:ports":{` + item12049 + `{".":{},"f:containerPort":{}}}`))},
			want:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+`{"f:hostPort":{}}`)), applied(inWeb(container + `"f:ports":{` + item12049 + `{".":{},"f:containerPort":{},"f:name":{}}}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"an empty entry of the giver is dropped, and the new one has its time": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{at(then(5), entry(operator, portsOfWeb(item12049+threeOf))), entry(argocd, portsOfWeb(item2049+threeOf))},
			want:  []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(item2049+threeOf)), at(then(5), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`)))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"the taker's entry grows where it is, at its time": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{applied(inWeb(container + `"f:ports":{` + item2049 + threeOf + `}`)), at(then(9), entry(operator, portsOfWeb(item12049+threeOf)))},
			want:  []metav1.ManagedFieldsEntry{applied(inWeb(container + `"f:ports":{` + item2049 + threeOf + `,` + item12049 + threeOf + `}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"an Update entry of the taker's name is another": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{entry(fieldmanager.Updater(portside.Name), inWeb(bare)), entry(operator, portsOfWeb(item12049+threeOf))},
			want:  []metav1.ManagedFieldsEntry{entry(fieldmanager.Updater(portside.Name), inWeb(bare)), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"what giver and taker both own is the taker's alone": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+threeOf)), applied(inWeb(container + `"f:ports":{` + item12049 + threeOf + `}`))},
			want:  []metav1.ManagedFieldsEntry{applied(inWeb(container + `"f:ports":{` + item12049 + threeOf + `}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"what another manager owns as well stays its own": {
			h:     takePorts,
			from:  []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(item12049+threeOf)), entry(operator, portsOfWeb(item12049+threeOf))},
			want:  []metav1.ManagedFieldsEntry{entry(argocd, portsOfWeb(item12049+threeOf)), entry(portside, inWeb(container+`"f:ports":{`+item12049+threeOf+`}`))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"an Apply entry of the giver's name is another": {
			h:    takePorts,
			from: []metav1.ManagedFieldsEntry{entry(fieldmanager.Applier(operator.Name), portsOfWeb(item12049+threeOf))},
			want: []metav1.ManagedFieldsEntry{entry(fieldmanager.Applier(operator.Name), portsOfWeb(item12049+threeOf))},
		},
		"several givers: the latest time, each item once, sorted": {
			h: fromTwo,
			from: []metav1.ManagedFieldsEntry{
				at(then(9), entry(argocd, portsOfWeb(item2049+threeOf+`,`+item12049+`{".":{},"f:name":{}}`))),
				at(nil, entry(operator, portsOfWeb(item12049+`{".":{},"f:protocol":{}}`))),
			},
			want:  []metav1.ManagedFieldsEntry{at(then(9), entry(portside, inWeb(container+`"f:ports":{`+item2049+threeOf+`,`+item12049+`{".":{},"f:name":{},"f:protocol":{}}}`)))},
			moved: []string{`[containerPort=2049,protocol="TCP"]`, `[containerPort=12049,protocol="TCP"]`},
		},
		"two entries of one giver": {
			h: takePorts,
			from: []metav1.ManagedFieldsEntry{
				at(then(1), entry(operator, portsOfWeb(item2049+threeOf))), at(then(3), entry(operator, portsOfWeb(item12049+threeOf))),
			},
			want:  []metav1.ManagedFieldsEntry{at(then(3), entry(portside, inWeb(container+`"f:ports":{`+item2049+threeOf+`,`+item12049+threeOf+`}`)))},
			moved: []string{`[containerPort=2049,protocol="TCP"]`, `[containerPort=12049,protocol="TCP"]`},
		},
		"to no manager": {
			h:     toNobody,
			from:  []metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+threeOf)), applied(inWeb(bare))},
			want:  []metav1.ManagedFieldsEntry{applied(inWeb(bare))},
			moved: []string{`[containerPort=12049,protocol="TCP"]`},
		},
		"the taker among the givers gives nothing": {
			h:    toOneself,
			from: []metav1.ManagedFieldsEntry{applied(portsOfWeb(item12049 + threeOf))},
			want: []metav1.ManagedFieldsEntry{applied(portsOfWeb(item12049 + threeOf))},
		},
		"the same item of another container stays": {
			h:    takePorts,
			from: []metav1.ManagedFieldsEntry{entry(operator, strings.Replace(portsOfWeb(item12049+threeOf), "web", "sidecar", 1))},
			want: []metav1.ManagedFieldsEntry{entry(operator, strings.Replace(portsOfWeb(item12049+threeOf), "web", "sidecar", 1))},
		},
		"entries of a wording that is not ours are left as they are": {
			h:    takePorts,
			from: []metav1.ManagedFieldsEntry{entry(operator, ` {"x:later":{}, "f:spec" : {"f:replicas":null}}`), {Manager: "bare"}},
			want: []metav1.ManagedFieldsEntry{entry(operator, ` {"x:later":{}, "f:spec" : {"f:replicas":null}}`), {Manager: "bare"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range test.want {
				test.want[i].FieldsV1 = asWritten(t, test.want[i].FieldsV1, len(test.moved) > 0)
			}
			got, moved, err := test.h.Apply(test.from, port(12049), port(2049), port(12049))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "managedFields", got, test.want)
			same(t, "moved", texts(moved), test.moved)
			checkHandOver(t, test.h, test.from, []fieldmanager.Key{port(12049), port(2049), port(12049)})
		})
	}
}

// asWritten writes the fields of an expected entry as fieldpath does, where a
// hand-over writes at all.
func asWritten(t *testing.T, fields *metav1.FieldsV1, written bool) *metav1.FieldsV1 {
	if !written || fields == nil {
		return fields
	}
	again, err := decode(t, metav1.ManagedFieldsEntry{FieldsV1: fields})[0].Fields.FieldsV1()
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestHandOverOfAFieldWithParts(t *testing.T) {
	t.Parallel()
	h := fieldmanager.Transfer{List: envVars, Leaves: []string{"name", "valueFrom"}, From: []fieldmanager.Manager{argocd}, To: takePorts.To}
	managed := []metav1.ManagedFieldsEntry{entry(argocd, inWeb(`"f:image":{},"f:env":{"k:{\"name\":\"TOKEN\"}":{".":{},"f:name":{},"f:valueFrom":{"f:secretKeyRef":{}}}}`))}
	token := fieldmanager.KeyOf("name", "TOKEN")
	after, _, err := h.Apply(managed, token)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what argocd keeps", decode(t, after...)[0].Fields.Paths(), []string{`.spec.template.spec.containers[name="web"].image`})
	checkHandOver(t, h, managed, []fieldmanager.Key{token})
}

func TestHandOverNeverSharesMemoryWithItsInput(t *testing.T) {
	t.Parallel()
	managed := []metav1.ManagedFieldsEntry{
		at(then(1), entry(argocd, portsOfWeb(item2049+threeOf))),
		at(then(2), entry(operator, inWeb(`"f:image":{},"f:ports":{`+item12049+threeOf+`}`))),
	}
	for name, items := range map[string][]fieldmanager.Key{"nothing moves": nil, "an item moves": {port(12049)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := deepCopy(managed)
			after, _, err := takePorts.Apply(input, items...)
			if err != nil {
				t.Fatal(err)
			}
			spoil(after)
			same(t, "the input", input, managed)
			spoil(fieldmanager.Without(input, operator))
			same(t, "the input of Without", input, managed)
		})
	}
}

// spoil changes whatever the entries point to.
func spoil(managed []metav1.ManagedFieldsEntry) {
	for i := range managed {
		managed[i].Manager = "spoilt"
		if managed[i].Time != nil {
			*managed[i].Time = *then(59)
		}
		if raw := managed[i].FieldsV1.GetRawBytes(); len(raw) > 0 {
			raw[0] = '!'
		}
	}
}

func TestHandOverOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	after, moved, err := takePorts.Apply([]metav1.ManagedFieldsEntry{entry(operator, portsOfWeb(item12049+threeOf)), entry(argocd, `{`)}, port(12049))
	if err == nil || after != nil || moved != nil {
		t.Errorf("got %v, %v, error %v; want an error alone: managedFields are written whole", after, moved, err)
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	older := entry(portside, `{}`)
	older.APIVersion = "apps/v1beta2"
	managed := []metav1.ManagedFieldsEntry{older, entry(argocd, `{}`), entry(portside, `{}`), entry(fieldmanager.Updater("portside"), `{}`)}
	same(t, "without portside", fieldmanager.Without(managed, portside), []metav1.ManagedFieldsEntry{managed[1], managed[3]})
	same(t, "without a manager that has no entry", fieldmanager.Without(managed, operator), managed)
	same(t, "without the only one", fieldmanager.Without(managed[1:2], argocd), []metav1.ManagedFieldsEntry{})
}
