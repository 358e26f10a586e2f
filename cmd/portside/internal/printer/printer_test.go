package printer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

var table = printer.Table{
	Columns: []string{"PORT", "OWNERS"},
	Rows: [][]string{
		{"adapter-nfs", "argocd-controller, kubectl-edit, portside"},
		{"api", "helm"},
	},
}

func TestTable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		width   int
		headers bool
		want    string
	}{
		"no terminal": {0, true, `PORT          OWNERS
adapter-nfs   argocd-controller, kubectl-edit, portside
api           helm
`},
		"no headers": {0, false, `adapter-nfs   argocd-controller, kubectl-edit, portside
api           helm
`},
		"room enough": {80, true, `PORT          OWNERS
adapter-nfs   argocd-controller, kubectl-edit, portside
api           helm
`},
		"fits with less between the columns": {54, true, `PORT         OWNERS
adapter-nfs  argocd-controller, kubectl-edit, portside
api          helm
`},
		"wraps": {40, true, `PORT         OWNERS
adapter-nfs  argocd-controller,
             kubectl-edit, portside
api          helm
`},
		"too narrow to wrap": {20, true, `PORT         OWNERS
adapter-nfs  argocd-controller, kubectl-edit, portside
api          helm
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := table.Write(printer.Stream{Writer: &out, Width: test.width}, test.headers); err != nil {
				t.Fatal(err)
			}
			if out.String() != test.want {
				t.Errorf("got\n%s\nnot\n%s", out.String(), test.want)
			}
		})
	}
}

// TestTable_LongWord: a word that is wider than the column does not keep the others from
// wrapping.
func TestTable_LongWord(t *testing.T) {
	t.Parallel()
	long := "validatingadmissionpolicybindings.admissionregistration.k8s.io"
	var out bytes.Buffer
	wide := printer.Table{Columns: []string{"CHECK", "MESSAGE"}, Rows: [][]string{{"Permissions", "you may not create " + long + ", which installing takes"}}}
	if err := wide.Write(printer.Stream{Writer: &out, Width: 60}, false); err != nil {
		t.Fatal(err)
	}
	want := "Permissions  you may not create\n             " + long + ",\n             which installing takes\n"
	if out.String() != want {
		t.Errorf("got\n%s\nnot\n%s", out.String(), want)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := printer.Messages{Stream: printer.Stream{Writer: &out, Width: 30}}
	m.Error("the first line is too long for it\nSee 'x --help'")
	m.Warn("odd")
	const want = `error: the first line is too
  long for it
  See 'x --help'
Warning: odd
`
	if out.String() != want {
		t.Errorf("got\n%s\nnot\n%s", out.String(), want)
	}
	out.Reset()
	m.Color, m.Width = true, 0
	m.Error("red")
	if out.String() != "\x1b[31;1merror:\x1b[0m red\n" {
		t.Errorf("coloured: %q", out.String())
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	if got := printer.Clean("a\x1b[31mb\nc\u202ed"); got != `a\u001b[31mb c\u202ed` {
		t.Errorf("got %s", got)
	}
	if text := "日本 é"; printer.Clean(text) != text {
		t.Errorf("got %s", printer.Clean(text))
	}
}

func TestNoColor(t *testing.T) {
	if got := (printer.Stream{}).Paint(printer.Red, "x"); got != "x" {
		t.Errorf("painted without a terminal: %q", got)
	}
	if s := printer.StreamOf(&strings.Builder{}); s.Color || s.Width != 0 {
		t.Errorf("no terminal: %+v", s)
	}
}
