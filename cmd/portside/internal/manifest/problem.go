package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problem is an error in a document: at a field and a line, where those are known.
type problem struct {
	line int
	path string // such as spec.adapters[0].port
	text string
}

func (p problem) Error() string {
	text := p.text
	if p.path != "" {
		text = p.path + ": " + text
	}
	if p.line > 0 {
		text = fmt.Sprintf("line %d: %s", p.line, text)
	}
	return text
}

// maxProblems is how many problems of a document are reported.
const maxProblems = 100

// located returns the problems with their lines, ordered by line and field.
func (s streamPart) located(problems []problem) []problem {
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems], problem{text: fmt.Sprintf("and %d more errors", more)})
	}
	node := s.node
	if node == nil && len(problems) > 0 {
		// JSON is YAML, too. What the YAML parser does not take has no lines.
		node = &yaml.Node{}
		if err := yaml.Unmarshal(s.json, node); err != nil {
			return problems
		}
	}
	for i := range problems {
		if p := &problems[i]; p.line == 0 {
			p.line = s.firstLine + lineOf(node, p.path, 1) - 1
		}
	}
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.path, b.path), cmp.Compare(a.text, b.text))
	})
	return problems
}

// lineOf returns the line of a field below a node or, where the document does not
// have it, of the nearest field above it; line is that of the node's own field.
func lineOf(node *yaml.Node, path string, line int) int {
	switch node.Kind {
	case yaml.DocumentNode:
		return lineOf(node.Content[0], path, node.Content[0].Line)
	case yaml.AliasNode:
		return line // and not that of the anchor, which may be elsewhere
	case yaml.MappingNode:
		var key, value *yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			_, found := cutKey(path, node.Content[i].Value)
			if found && (key == nil || len(node.Content[i].Value) >= len(key.Value)) {
				key, value = node.Content[i], node.Content[i+1]
			}
		}
		if key != nil {
			rest, _ := cutKey(path, key.Value)
			return lineOf(value, rest, key.Line)
		}
	case yaml.SequenceNode:
		index, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(node.Content) {
			return lineOf(node.Content[i], rest, node.Content[i].Line)
		}
	}
	return line
}

// cutKey cuts a key from the front of a path: "key.rest", "key[0].rest" or
// "[key].rest".
func cutKey(path, key string) (rest string, found bool) {
	if rest, found = strings.CutPrefix(path, "["+key+"]"); !found {
		rest, found = strings.CutPrefix(strings.TrimPrefix(path, "."), key)
	}
	return rest, found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
