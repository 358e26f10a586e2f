package oracle

import (
	"encoding/json"
	"slices"
	"strings"
)

// fields is a set of fields as managedFields write it: "f:" before the name of a field,
// "k:" before the key of an item, and "." for the field or item itself.
type fields map[string]fields

// below returns what is at a path, nil where there is nothing.
func (f fields) below(path ...string) fields {
	for _, element := range path {
		f = f[element]
	}
	return f
}

// owned reports whether a manager owns the field or item itself: it is written as "." next
// to what is below it, or as an empty set.
func (f fields) owned() bool {
	_, has := f["."]
	return has || f != nil && len(f) == 0
}

// keyOf returns the key of the container of a name, as the set writes it below a path.
func keyOf(set fields, path, container string) string {
	for text := range set.below(strings.Fields(path)...) {
		var key struct{ Name string }
		if encoded, isKey := strings.CutPrefix(text, "k:"); isKey && json.Unmarshal([]byte(encoded), &key) == nil && key.Name == container {
			return text
		}
	}
	return ""
}

// parseKey reads the key of a port.
func (l List) parseKey(text string) (Key, bool) {
	encoded, isKey := strings.CutPrefix(text, "k:")
	var key struct {
		ContainerPort, Port int64
		Protocol            string
	}
	if !isKey || json.Unmarshal([]byte(encoded), &key) != nil {
		return Key{}, false
	}
	return Key{key.ContainerPort + key.Port, key.Protocol}, true
}

// foreign returns the fields of a set that are neither in a list of ports nor the key or
// name of a container, sorted.
func foreign(set fields, service bool) []string {
	ports := [][]string{{"f:spec", "f:ports"}}
	if !service {
		containers := []string{"f:spec", "f:template", "f:spec", "f:containers"}
		ports = nil
		for key := range set.below(containers...) {
			item := append(slices.Clone(containers), key)
			ports = append(ports, append(slices.Clone(item), "f:ports"), append(slices.Clone(item), "f:name"), append(slices.Clone(item), "."))
		}
	}
	var found []string
	var walk func(f fields, path []string)
	walk = func(f fields, path []string) {
		if slices.ContainsFunc(ports, func(p []string) bool { return slices.Equal(p, path) }) {
			return
		}
		if len(f) == 0 && len(path) > 0 {
			found = append(found, strings.Join(path, " "))
		}
		for element, below := range f {
			walk(below, append(slices.Clone(path), element))
		}
	}
	walk(set, nil)
	slices.Sort(found)
	return found
}
