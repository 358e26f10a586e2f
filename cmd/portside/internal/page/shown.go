package page

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// shown returns a copy of an object with the values that the page shows: long texts are
// truncated, and the values of a Secret are replaced by their sizes. Those are its data and
// its annotations, where tools keep copies of the data
// (kubectl.kubernetes.io/last-applied-configuration is one).
func shown(t *ownership.Tree) *ownership.Tree {
	secret := strings.EqualFold(t.Kind, "Secret")
	hides := func(n *ownership.Node) bool {
		for _, of := range []string{".data", ".stringData", ".metadata.annotations"} {
			if strings.HasPrefix(n.Path, of+".") || n.Path == of && len(n.Children) == 0 {
				return secret && n.Value != nil
			}
		}
		return false
	}
	copied := *t
	copied.Root = shownNode(t.Root, hides)
	return &copied
}

func shownNode(n *ownership.Node, hides func(*ownership.Node) bool) *ownership.Node {
	c := *n
	c.Name = cut(n.Name)
	text, isText := n.Value.(string)
	switch {
	case hides(n):
		c.Kind, c.Children, c.Value = ownership.Scalar, nil, size(bytesOf(n))+", not shown"
		return &c
	case isText:
		c.Value = shorten(text)
	}
	c.Children = nil
	for _, child := range n.Children {
		c.Children = append(c.Children, shownNode(child, hides))
	}
	return &c
}

// shorten truncates a text, and its lines, to what the page shows.
func shorten(text string) string {
	lines := strings.Split(text, "\n")
	end := ""
	if n := strings.Count(text, "\n"); n > mostLines {
		lines = append(lines[:mostLines], "")
		end = fmt.Sprintf("… (truncated: %d lines, %s)\n", n, size(len(text)))
	}
	for i, line := range lines {
		if cut(line) != line {
			lines[i] = fmt.Sprintf("%s (truncated: %s)", cut(line), size(len(line)))
		}
	}
	return strings.Join(lines, "\n") + end
}

// bytesOf returns the size of a value: of the data that it encodes, where it is one of a
// Secret's data.
func bytesOf(n *ownership.Node) int {
	text, isText := n.Value.(string)
	if !isText {
		encoded, err := json.Marshal(n.Value)
		if err != nil {
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
