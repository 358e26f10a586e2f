package v1alpha1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// MaxStreamBytes is the longest input, in bytes, that is read as AdapterSets.
// Thousands of them are shorter; what is longer is some other file, or a pipe
// that does not end.
const MaxStreamBytes = 8 << 20

// Document is an AdapterSet and the place it was read from.
type Document struct {
	// Set is the AdapterSet with its defaults filled in. Its namespace is
	// empty where the document names none, and its status is always empty.
	Set AdapterSet
	// Source is the name of the file, or what the caller called the stream.
	Source string
	// Number is the document's place in the source, from 1. Empty documents
	// count, so that it is the number one gets by counting the separators.
	Number int
}

// String says where the document is, as error texts do.
func (d Document) String() string { return place(d.Source, d.Number) }

func place(source string, number int) string {
	return fmt.Sprintf("%s: document %d", source, number)
}

// Read reads a stream of one or many documents, in YAML (separated by ---) or
// JSON (one after the other). The name says in errors what was read. An error
// means that nothing of the stream is to be used; where several things are
// wrong it joins them, each with its document and, where it has one, its
// field. A stream without any document is an error.
//
// Two documents for one name or one target are accepted here, since that
// depends on the namespace and on other files: see [CheckUnique].
func Read(name string, r io.Reader) ([]Document, error) {
	data, err := readText(name, r)
	if err != nil {
		return nil, err
	}
	parts, err := splitStream(data)
	problems := []error{}
	docs := []Document{}
	for _, part := range parts {
		set, errs := readPart(part)
		for _, err := range errs {
			problems = append(problems, fmt.Errorf("%s: %w", place(name, part.number), err))
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

// readText reads the stream whole. What is no text, or HTML, is refused here:
// YAML would take much of it for one long string, which helps nobody.
func readText(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxStreamBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(data) > MaxStreamBytes:
		return nil, fmt.Errorf("%s: longer than %d bytes, too long for AdapterSets", name, MaxStreamBytes)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("%s: not UTF-8 text", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if markupStart.Match(data) {
		return nil, fmt.Errorf("%s: is HTML or XML, not YAML or JSON", name)
	}
	return data, nil
}

func readPart(part streamPart) (AdapterSet, []error) {
	if len(part.errs) > 0 {
		return AdapterSet{}, part.errs
	}
	set, errs := decode(part.json)
	if len(errs) > 0 {
		return AdapterSet{}, errs
	}
	set.Default()
	for _, err := range validate(&set) {
		errs = append(errs, err)
	}
	return set, errs
}
