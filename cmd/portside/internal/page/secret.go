package page

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// secretValues returns which nodes of an object have values that the page does not show:
// those of a Secret's data, and of its annotations, where tools keep copies of the data
// (kubectl.kubernetes.io/last-applied-configuration is one).
func secretValues(t *ownership.Tree) func(*ownership.Node) bool {
	hidden := map[*ownership.Node]bool{}
	hide := func(parent *ownership.Node) {
		if parent == nil {
			return
		}
		if len(parent.Children) == 0 && parent.Kind == ownership.Scalar {
			hidden[parent] = true
		}
		for _, child := range parent.Children {
			hidden[child] = true
		}
	}
	if strings.EqualFold(t.Kind, "Secret") {
		hide(t.Root.Child("data"))
		hide(t.Root.Child("stringData"))
		if metadata := t.Root.Child("metadata"); metadata != nil {
			hide(metadata.Child("annotations"))
		}
	}
	return func(n *ownership.Node) bool { return hidden[n] }
}

// bytesOf returns the size of a value: of the data that it encodes, where it is one of a
// Secret's data.
func bytesOf(n *ownership.Node) int {
	text, isText := n.Value.(string)
	if !isText {
		encoded, err := json.Marshal(n.Value)
		if err != nil || n.Value == nil {
			return 0
		}
		return len(encoded)
	}
	if strings.HasPrefix(n.Path, ".data.") {
		if data, err := base64.StdEncoding.DecodeString(text); err == nil {
			return len(data)
		}
	}
	return len(text)
}
