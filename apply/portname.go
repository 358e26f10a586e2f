package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/portside-dev/portside/apply/port"
)

// maxNameLength is the longest name Kubernetes takes for a container port, in
// bytes (an IANA service name, RFC 6335).
const maxNameLength = 15

// PortName returns the container port's name for an adapter type, at most 15
// characters: the type in lower case, every run of other characters than
// letters and digits as one "-". A type that is too long keeps two characters
// and gets four hexadecimal digits of the SHA-256 of its normalised form, so
// that the name is stable and long types stay distinct. These are the names
// that the DittoFS operator gives. It is empty where nothing of the type
// is left.
func PortName(adapterType string) string {
	normal := strings.Join(strings.FieldsFunc(strings.ToLower(adapterType), notInName), "-")
	if normal == "" {
		return ""
	}
	if len(port.NamePrefix)+len(normal) <= maxNameLength {
		return port.NamePrefix + normal
	}
	sum := sha256.Sum256([]byte(normal))
	return port.NamePrefix + strings.TrimRight(normal[:2], "-") + "-" + hex.EncodeToString(sum[:2])
}

func notInName(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
