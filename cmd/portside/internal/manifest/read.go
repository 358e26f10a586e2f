package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// maxStreamBytes is the longest input that is read, in bytes. Thousands of
// AdapterSets are shorter; anything longer is another file, or a pipe that does
// not end.
const maxStreamBytes = 8 << 20

// Document is an AdapterSet and the place that it was read from.
type Document struct {
	// Set is the AdapterSet with its defaults. Its namespace is empty where the
	// document names none, and its status is always empty.
	Set v1alpha1.AdapterSet
	// Source is the name of the file or of the stream.
	Source string
	// Number is the document's place in the source, from 1. Empty documents
	// count, so that it can be found by counting the separators.
	Number int
}

// String returns the place of the document as errors have it.
func (d Document) String() string { return place(d.Source, d.Number) }

func place(source string, number int) string {
	return fmt.Sprintf("%s: document %d", source, number)
}

// Read reads a stream of documents, in YAML (separated by ---) or JSON (one after
// the other). Errors begin with the name of the stream. An error means that
// nothing of the stream is to be used; it joins everything that is wrong. A stream
// without a document is an error.
//
// Two documents with one name or one target are accepted here, since that depends
// on the namespace and on other files: see [CheckUnique].
func Read(name string, r io.Reader) ([]Document, error) {
	data, err := readText(name, r)
	if err != nil {
		return nil, err
	}
	rules, err := crdRules()
	if err != nil {
		return nil, err
	}
	parts, err := splitStream(data)
	problems := []error{}
	docs := []Document{}
	for _, part := range parts {
		set, found := rules.read(part)
		for _, p := range found {
			problems = append(problems, fmt.Errorf("%s: %w", place(name, part.number), p))
		}
		docs = append(docs, Document{Set: set, Source: name, Number: part.number})
	}
	if err != nil {
		problems = append(problems, fmt.Errorf("%s: %w", name, err))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("no AdapterSet in %s: it is empty", name)
	}
	return docs, nil
}

// markupStart is how HTML and XML begin.
var markupStart = regexp.MustCompile(`^\s*<[!?/A-Za-z]`)

// readText reads the whole stream. It refuses binary data and HTML, much of which
// YAML would take for one long string.
func readText(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxStreamBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(data) > maxStreamBytes:
		return nil, fmt.Errorf("%s: longer than %d bytes, too long for AdapterSets", name, maxStreamBytes)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("%s: not UTF-8 text", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if markupStart.Match(data) {
		return nil, fmt.Errorf("%s: is HTML or XML, not YAML or JSON", name)
	}
	return data, nil
}
