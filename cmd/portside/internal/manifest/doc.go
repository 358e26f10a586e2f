// Package manifest reads AdapterSets from files. The rules are those of the CRD:
// its schema, its defaults and its CEL rules, applied by the API server's own code.
// So a file is read as the API server would store it, and what the one refuses the
// other refuses as well.
//
// Before that, a document must be unambiguous:
//
//  1. It is UTF-8, and YAML or JSON. In YAML, no field is repeated, no alias makes
//     the document too large, and numbers are written in decimal digits: YAML 1.1
//     and 1.2 differ in what 010 and 0x10 are.
//  2. A number is whole and written in plain digits: 1e3 is more likely a mistake.
//  3. A field is not null, except where the CRD says nullable: a template that came
//     out empty leaves a null behind. The API server drops some of them.
//  4. A field is known, and not repeated.
//  5. A status is accepted and not read: kubectl get -o yaml prints one.
//
// And a CEL expression must compile, which the API server does not check: the service
// reports one that does not in status.
//
// An error names the file, the document, the line and the field. One bad document
// refuses the whole input.
package manifest
