package oracle

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// PortName returns the name of the port of an adapter type, empty where the type has no
// letter and no digit.
func PortName(adapterType string) string {
	words := strings.FieldsFunc(strings.ToLower(adapterType), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	normal := strings.Join(words, "-")
	switch {
	case normal == "":
		return ""
	case len(normal) > 7: // a name has at most 15 characters
		sum := sha256.Sum256([]byte(normal))
		return fmt.Sprintf("adapter-%s-%x", strings.TrimSuffix(normal[:2], "-"), sum[:2])
	}
	return "adapter-" + normal
}
