// Package page writes the owners of objects, next to the history of their pod templates, as
// one HTML page for a ticket or a post-mortem. The page has no script and loads nothing: it
// reads the same from a mail, a disk or a ticket. It is pure: no client, and the caller
// brings the time.
//
// It knows these cases:
//
//  1. A page has a section for each object: the managers with their marks, the tables of
//     ports, the history, and all fields as annotated YAML.
//  2. A manager is a name with its operation and subresource. It has one mark and one
//     colour on the whole page. There are fewer colours than managers may need, so that
//     the letters of the mark, and not the colour, tell two managers apart.
//  3. A field that several managers own has their marks side by side. A field without an
//     owner is reported as such; one that the API server tracks no owners of has no mark.
//  4. An object without a history has the reason in its place.
//  5. A long text is truncated, with its length.
//  6. The page shows no value of a Secret: neither its data nor its annotations, where
//     tools keep copies of the data. It reports how many bytes there are.
//  7. Everything in an object may be hostile. html/template escapes it, control
//     characters and those that change the direction of text are written as escapes, and
//     the page's Content-Security-Policy permits no script and no request.
package page
