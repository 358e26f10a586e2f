package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The limits of a document in which aliases repeat parts. Without aliases it stays
// far below them.
const (
	maxDepth     = 100
	maxJSONBytes = maxStreamBytes
)

// yamlToJSON writes a YAML document as JSON, so that both are read by the same
// rules. It keeps what a conversion to Go values would lose: repeated fields, and
// how a number was written (1e3 and 1.0 would both become whole numbers).
//
// Plain words mean what they mean to kubectl, which reads YAML 1.1: yes, on and the
// like are booleans. Numbers in other than plain decimal digits (0x10, 010, 1_000)
// are refused: YAML 1.1 and 1.2 differ in what they are.
func yamlToJSON(document *yaml.Node) ([]byte, []problem) {
	w := jsonWriter{}
	w.write(document, nil, 0)
	if len(w.problems) > 0 {
		return nil, w.problems
	}
	return w.out.Bytes(), nil
}

type jsonWriter struct {
	out      bytes.Buffer
	problems []problem
	// full is set once a limit is reached; nothing is written after that.
	full bool
}

func (w *jsonWriter) failf(node *yaml.Node, path *field.Path, format string, args ...any) {
	p := problem{line: node.Line, text: fmt.Sprintf(format, args...)}
	if path != nil {
		p.path = path.String()
	}
	w.problems = append(w.problems, p)
}

func (w *jsonWriter) write(node *yaml.Node, path *field.Path, depth int) {
	if w.full {
		return
	}
	if depth > maxDepth || w.out.Len() > maxJSONBytes || len(w.problems) >= maxProblems {
		w.full = true
		w.failf(node, nil, "gave up here: too deep, too long or too many errors; an alias may repeat itself")
		return
	}
	switch node.Kind {
	case yaml.DocumentNode:
		w.write(node.Content[0], path, depth)
	case yaml.AliasNode:
		w.write(node.Alias, path, depth+1)
	case yaml.MappingNode:
		w.writeMapping(node, path, depth)
	case yaml.SequenceNode:
		w.writeSequence(node, path, depth)
	case yaml.ScalarNode:
		w.writeScalar(node, path)
	}
}

func (w *jsonWriter) writeMapping(node *yaml.Node, path *field.Path, depth int) {
	w.checkTag(node, path, "!!map")
	w.out.WriteByte('{')
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null":
			w.failf(key, path, "a field name must be a word")
			continue
		case key.ShortTag() == "!!merge":
			w.failf(key, path, "merging with << is not supported; write the fields out")
			continue
		}
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.writeString(key.Value)
		w.out.WriteByte(':')
		w.write(value, path.Child(shorten(key.Value, 60)), depth+1)
	}
	w.out.WriteByte('}')
}

func (w *jsonWriter) writeSequence(node *yaml.Node, path *field.Path, depth int) {
	w.checkTag(node, path, "!!seq")
	w.out.WriteByte('[')
	for i, item := range node.Content {
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.write(item, path.Index(i), depth+1)
	}
	w.out.WriteByte(']')
}

func (w *jsonWriter) checkTag(node *yaml.Node, path *field.Path, want string) {
	if node.ShortTag() != want {
		w.failf(node, path, "the tag %.40s is not supported", node.ShortTag())
	}
}

// jsonNumber matches a number in JSON.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (w *jsonWriter) writeScalar(node *yaml.Node, path *field.Path) {
	switch tag := node.ShortTag(); tag {
	case "!!null":
		w.out.WriteString("null")
	case "!!bool":
		word, ok := yamlBools[node.Value]
		if !ok {
			w.failf(node, path, "%.40q is neither true nor false", node.Value)
		}
		w.out.WriteString(word)
	case "!!int", "!!float":
		if !jsonNumber.MatchString(node.Value) {
			w.failf(node, path, "the number %.40q must be written in plain decimal digits", node.Value)
			return
		}
		w.out.WriteString(node.Value)
	case "!!str", "!!timestamp", "!!merge":
		if word, ok := yamlBools[node.Value]; ok && node.Style == 0 {
			w.out.WriteString(word)
			return
		}
		w.writeString(node.Value)
	default:
		w.failf(node, path, "the tag %.40s is not supported", tag)
	}
}

// yamlBools are the plain words for booleans in YAML 1.1, as go.yaml.in/yaml/v2 has
// them, which kubectl uses.
var yamlBools = map[string]string{
	"y": "true", "Y": "true", "yes": "true", "Yes": "true", "YES": "true",
	"on": "true", "On": "true", "ON": "true",
	"true": "true", "True": "true", "TRUE": "true",
	"n": "false", "N": "false", "no": "false", "No": "false", "NO": "false",
	"off": "false", "Off": "false", "OFF": "false",
	"false": "false", "False": "false", "FALSE": "false",
}

func (w *jsonWriter) writeString(s string) {
	quoted, err := json.Marshal(s)
	if err != nil {
		w.problems = append(w.problems, problem{text: err.Error()})
	}
	w.out.Write(quoted)
}
