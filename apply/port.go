package apply

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// NamePrefix begins the name of every adapter port.
const NamePrefix = "adapter-"

// maxNameLength is the longest name Kubernetes takes for a container port, in
// bytes (an IANA service name, RFC 6335).
const maxNameLength = 15

var notInName = regexp.MustCompile("[^a-z0-9]+")

// PortName is the container port's name for an adapter type, at most 15
// characters: the type in lower case, every run of other characters than
// letters and digits as one "-". A type that is too long keeps two characters
// and gets four hexadecimal digits of the SHA-256 of its normalised form, so
// that the name is stable and long types stay distinct. These are the names
// that the DittoFS operator gives. The answer is empty where nothing of the
// type is left.
func PortName(adapterType string) string {
	normal := strings.Trim(notInName.ReplaceAllString(strings.ToLower(adapterType), "-"), "-")
	if normal == "" {
		return ""
	}
	if len(port.NamePrefix)+len(normal) <= maxNameLength {
		return port.NamePrefix + normal
	}
	sum := sha256.Sum256([]byte(normal))
	return port.NamePrefix + strings.TrimRight(normal[:2], "-") + "-" + hex.EncodeToString(sum[:2])
}

// portKey is what identifies a container port to server-side apply. The name
// is not part of it.
type portKey struct {
	number   int32
	protocol corev1.Protocol
}

func (k portKey) String() string { return fmt.Sprintf("%d/%s", k.number, k.protocol) }

func (k portKey) compare(o portKey) int {
	return cmp.Or(cmp.Compare(k.number, o.number), cmp.Compare(k.protocol, o.protocol))
}

func (k portKey) fields() fieldmanager.Key {
	return fieldmanager.KeyOf("containerPort", int64(k.number), "protocol", string(k.protocol))
}

// portLeaves are the fields of a port that an adapter port sets, and the only
// ones portside ever owns of it.
var portLeaves = []string{"containerPort", "name", "protocol"}

// keyLeaves are those of a port that is kept without its name.
var keyLeaves = []string{"containerPort", "protocol"}

// portsOf is the keyed list that holds a container's ports, in every kind of
// workload.
func portsOf(container string) fieldmanager.List {
	return fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", container), "ports")
}
