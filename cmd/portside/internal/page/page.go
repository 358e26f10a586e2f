package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// Page is what a page shows.
type Page struct {
	// Written is the time of writing. Ages are those at this time.
	Written time.Time
	// Version is that of portside.
	Version string
	Objects []Object
}

// Object is an object with its owners and its history.
type Object struct {
	*ownership.Tree
	// Source says where the object was read, such as "the cluster" or the name of a file.
	Source  string
	History History
}

// History is what is known of the revisions of an object's pod template, or of a Service's
// ports.
type History struct {
	// Changes are the revisions, the oldest first. There are none if Absent is set.
	Changes []history.Change
	// Absent says why there is no history.
	Absent string
	// Notes say what may be missing.
	Notes []string
}

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed page.css
	styleSheet string

	parsed = template.Must(template.New("page").Parse(pageTemplate))
)

// Write writes the page. Its error is the writer's, or a value that YAML cannot have.
func (p Page) Write(w io.Writer) error {
	var text bytes.Buffer
	view, err := p.view()
	if err != nil {
		return err
	}
	if err := parsed.Execute(&text, view); err != nil {
		return err
	}
	_, err = w.Write(text.Bytes())
	return err
}

// pageView is what the template shows.
type pageView struct {
	Title   string
	Version string
	Written moment
	Style   template.CSS
	Objects []objectView
}

// objectView is one section of the page.
type objectView struct {
	// ID is that of the section in the page.
	ID       string
	Kind     string
	Name     string
	Facts    []fact
	Managers []managerView
	Ports    []portTable
	Timeline timeline
	Lines    []line
}

type fact struct{ Name, Value string }

// managerView is a row of the table of managers.
type managerView struct {
	Mark      mark
	Operation string
	Fields    int
	LastWrite *moment
}

func (p Page) view() (pageView, error) {
	marks := marksOf(p.Objects)
	v := pageView{
		Title:   p.title(),
		Version: clean(p.Version),
		Written: p.moment(p.Written),
		Style:   template.CSS(variables() + styleSheet), // constants of this package
	}
	for i, o := range p.Objects {
		object, err := p.object(i, o, marks)
		if err != nil {
			return pageView{}, err
		}
		v.Objects = append(v.Objects, object)
	}
	return v, nil
}
