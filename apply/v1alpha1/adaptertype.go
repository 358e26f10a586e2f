package v1alpha1

import "strings"

// ValidType reports whether a text can be the type of an adapter: 1 to
// [MaxTypeLength] printable ASCII characters other than the backslash, which
// escapes such a character where an invalid type is shown.
func ValidType(text string) bool {
	return text != "" && len(text) <= MaxTypeLength &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
}
