package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// streamPart is one document of a stream as JSON, or what is wrong with it.
type streamPart struct {
	number   int
	json     []byte
	problems []problem
	// node is the document as the YAML parser has it, nil for one in JSON, which
	// begins in firstLine.
	node      *yaml.Node
	firstLine int
}

// jsonStart matches the beginning of a JSON object. A brace before an unquoted name
// is YAML in its flow style.
var jsonStart = regexp.MustCompile(`^\s*\{\s*["}]`)

// splitStream returns the documents of a stream. JSON documents follow each other or
// are separated by ---. From the first YAML document on, everything is YAML, which
// includes JSON. An error comes with the documents before it.
func splitStream(data []byte) ([]streamPart, error) {
	parts := []streamPart{}
	offset := 0
	for jsonStart.Match(data[offset:]) {
		value, length, err := firstJSON(data[offset:])
		if err != nil {
			return parts, fmt.Errorf("document %d: not JSON: %w", len(parts)+1, atLine(data, offset, err))
		}
		offset += length
		parts = append(parts, streamPart{number: len(parts) + 1, json: value, firstLine: lineAt(data, offset-len(value))})
	}
	rest := bytes.TrimSpace(data[offset:])
	switch {
	case len(rest) == 0:
		return parts, nil
	case len(parts) > 0 && !bytes.HasPrefix(rest, []byte("---")):
		return parts, fmt.Errorf("document %d: line %d: neither --- nor another JSON object after the JSON before it",
			len(parts)+1, lineAt(data, len(data)-len(bytes.TrimLeft(data[offset:], " \t\r\n"))))
	}
	return splitYAML(parts, data, offset)
}

// firstJSON returns the first JSON value of the data, and the offset of its end.
func firstJSON(data []byte) (value json.RawMessage, length int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	err = decoder.Decode(&value)
	return value, int(decoder.InputOffset()), err
}

// atLine adds the line of the data to a JSON error that was found when reading from
// offset.
func atLine(data []byte, offset int, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("line %d: it ends in the middle", lineAt(data, len(data)))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("line %d: %w", lineAt(data, offset+int(syntax.Offset)), err)
	}
	return err
}

func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}

// splitYAML reads the YAML documents from offset on. The lines before it become
// empty ones, so that errors have the lines of the file.
func splitYAML(parts []streamPart, data []byte, offset int) ([]streamPart, error) {
	before := strings.Repeat("\n", lineAt(data, offset)-1)
	decoder := yaml.NewDecoder(io.MultiReader(strings.NewReader(before), bytes.NewReader(data[offset:])))
	for number := len(parts) + 1; ; number++ {
		var node yaml.Node
		switch err := decoder.Decode(&node); {
		case errors.Is(err, io.EOF):
			return parts, nil
		case err != nil:
			return parts, fmt.Errorf("document %d: not YAML: %w", number, err)
		}
		if isEmpty(&node) {
			continue
		}
		value, problems := yamlToJSON(&node)
		parts = append(parts, streamPart{number: number, json: value, problems: problems, node: &node, firstLine: 1})
	}
}

// isEmpty reports whether a document has nothing in it, not even null.
func isEmpty(document *yaml.Node) bool {
	if len(document.Content) == 0 {
		return true
	}
	content := document.Content[0]
	return content.Kind == yaml.ScalarNode && content.Style == 0 && content.Value == "" && content.Anchor == ""
}
