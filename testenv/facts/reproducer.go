package facts

import (
	"embed"
	"fmt"
	"strings"
)

// MaxLines is the number of lines of a reproducer with the functions that it uses.
const MaxLines = 30

//go:embed reproducers/*.sh
var scripts embed.FS

// Functions returns the shell functions that the reproducers of a list use.
func (l List) Functions() string { return script(l, "functions") }

// Reproducer returns the shell commands that show the fact with kubectl, in the
// namespace of the current context. Lines that begin with "#> " are output of the
// commands before them: a line each, in their order, with "…" for any text. The
// output may have other lines.
func (f Fact) Reproducer() string { return script(f.List, fmt.Sprintf("%02d", f.Number)) }

// script returns an embedded script, empty if there is none.
func script(list List, name string) string {
	if list != ContainerPorts {
		name = strings.ToLower(string(list)) + "-" + name
	}
	text, err := scripts.ReadFile("reproducers/" + name + ".sh")
	if err != nil {
		return ""
	}
	return string(text)
}
