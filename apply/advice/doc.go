// Package advice reports what other managers' ways of writing will do to ports that
// they do not declare. It is the only package of the library that knows Argo CD, Helm
// and kubectl: by the names of their field managers, by their annotations, and by what
// their Updates come to own.
//
// [Read] returns the [Writers] of an object, and [Writers.Warnings] and
// [Writers.Adopted] the warnings about its ports. A [Warning] has a typed reason; its
// message says what will happen and what prevents it with that tool. What portside's
// own command can do about it is added where that command prints it.
package advice
