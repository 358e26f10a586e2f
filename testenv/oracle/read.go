package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ErrNoContainer is the error of reading the ports of a container that is not there.
var ErrNoContainer = errors.New("the workload has no such container")

// Contract is the contract from the point of view of one field manager, which applies.
type Contract struct {
	// Manager is the name of our field manager.
	Manager string
	// Transfers reports that an item which another manager renamed is transferred to it
	// once it is no longer desired. Otherwise no manager owns it then, as with the service,
	// whose policies let it write no other entry.
	Transfers bool
}

func (c Contract) us() string { return c.Manager + "/Apply" }

// Read returns the ports of a container of a workload, or of a Service, for which the
// container is empty. Its error is [ErrNoContainer], or managedFields that it cannot read.
func (c Contract) Read(object *unstructured.Unstructured, container string) (List, error) {
	l := List{
		Service:   object.GetKind() == "Service",
		Paused:    object.GetAnnotations()["portside.dev/paused"] == "true",
		Unmanaged: len(object.GetManagedFields()) == 0,
	}
	var live []any
	if l.Service {
		live, _, _ = unstructured.NestedSlice(object.Object, "spec", "ports")
		kind, _, _ := unstructured.NestedString(object.Object, "spec", "type")
		address, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP")
		l.NeedsPort = kind != "ExternalName" && address != "None"
	} else {
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		i := slices.IndexFunc(containers, func(c any) bool { return field(c, "name") == container })
		if i < 0 {
			return l, fmt.Errorf("%w: %q", ErrNoContainer, container)
		}
		live, _ = field(containers[i], "ports").([]any)
		host, _, _ := unstructured.NestedBool(object.Object, "spec", "template", "spec", "hostNetwork")
		l.NotAllowed = host && object.GetAnnotations()["portside.dev/allow-host-network"] != "true"
	}
	for _, p := range live {
		item := l.item(p)
		if same := l.At(item.Key); same != nil {
			same.Duplicate, item.Duplicate = true, true
		}
		l.Items = append(l.Items, item)
	}
	for _, entry := range object.GetManagedFields() {
		if entry.FieldsV1 == nil || entry.Subresource != "" {
			continue
		}
		var set fields
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &set); err != nil {
			return l, fmt.Errorf("managedFields of %s: %w", entry.Manager, err)
		}
		l.readOwner(set, entry.Manager+"/"+string(entry.Operation), container, c.us())
	}
	slices.Sort(l.Claim)
	return l, nil
}

// field returns a field of an object, nil where it has none.
func field(object any, name string) any {
	fields, _ := object.(map[string]any)
	return fields[name]
}

// numberField is the key field of an item that has the number.
func (l List) numberField() string {
	if l.Service {
		return "port"
	}
	return "containerPort"
}

// item reads one live port.
func (l List) item(port any) *Item {
	number, _ := field(port, l.numberField()).(int64)
	protocol, _ := field(port, "protocol").(string)
	name, _ := field(port, Name).(string)
	item := &Item{Key: Key{number, protocol}, Name: name, Fields: map[string]string{}, Leaves: map[string][]string{}}
	if l.Service {
		for _, name := range []string{TargetPort, NodePort, AppProtocol} {
			if value := field(port, name); value != nil {
				item.Fields[name] = fmt.Sprint(value)
			}
		}
	}
	return item
}

// readOwner adds what one entry of managedFields owns.
func (l *List) readOwner(set fields, owner, container, us string) {
	path := []string{"f:spec", "f:ports"}
	if !l.Service {
		path = []string{"f:spec", "f:template", "f:spec", "f:containers", keyOf(set, "f:spec f:template f:spec f:containers", container), "f:ports"}
	}
	ports := set.below(path...)
	if ports.owned() && owner != us {
		l.Owners = append(l.Owners, owner)
	}
	for text, leaves := range ports {
		key, isItem := l.parseKey(text)
		if !isItem {
			continue
		}
		if owner == us {
			l.Claim = append(l.Claim, claimOf(key, slices.Collect(maps.Keys(leaves))))
		}
		for _, item := range l.Items {
			if item.Key == key {
				item.readOwner(leaves, owner)
			}
		}
	}
	if owner == us {
		l.HoldsContainer = !l.Service && set.below(path[:5]...) != nil
		l.Foreign = append(l.Foreign, foreign(set, l.Service)...)
		for _, item := range l.Items {
			if item.Name != "" && !item.Duplicate && !isAdapterName(item.Name) && slices.Contains(item.Leaves[Name], us) {
				l.Foreign = append(l.Foreign, item.Key.String()+" name")
			}
		}
	}
}

// readOwner adds what one entry of managedFields owns of an item.
func (i *Item) readOwner(leaves fields, owner string) {
	if leaves.owned() {
		i.Owners = with(i.Owners, owner)
	}
	for leaf := range leaves {
		name, isField := strings.CutPrefix(leaf, "f:")
		_, live := i.Fields[name]
		if isField && (live || name == Name && i.Name != "") {
			i.Leaves[name] = with(i.Leaves[name], owner)
		}
	}
}

// claimOf returns what an entry has of an item: the key and the leaves besides it, sorted.
func claimOf(key Key, leaves []string) string {
	has := []string{}
	if len(leaves) == 0 {
		has = append(has, ".")
	}
	for _, leaf := range leaves {
		if name := strings.TrimPrefix(leaf, "f:"); name != "containerPort" && name != "port" && name != "protocol" {
			has = append(has, name)
		}
	}
	slices.Sort(has)
	return key.String() + " " + strings.Join(has, " ")
}
