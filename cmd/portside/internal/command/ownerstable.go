package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/fieldmanager"
)

func (p *ownedPorts) number() string { return fmt.Sprintf("%d/%s", p.Port, p.Protocol) }

// owners are the managers that own the port itself.
func (p *ownedPorts) owners() []string {
	var owners []fieldmanager.Manager
	for _, m := range p.Managers {
		if m.OwnsPort {
			owners = append(owners, m.Manager)
		}
	}
	return fieldmanager.Names(owners)
}

func (r *ownersReport) table() output.Table {
	t := output.Table{Columns: []string{"CONTAINER", "PORT", "NUMBER", "OWNERS"}}
	for i := range r.Ports {
		p := &r.Ports[i]
		t.Rows = append(t.Rows, []string{p.Container, orNone(p.Name), p.number(), list(p.owners())})
	}
	return t
}

func (r *ownersReport) wideTable(now time.Time) output.Table {
	t := output.Table{Columns: []string{"CONTAINER", "PORT", "NUMBER", "HOST", "MANAGER", "OPERATION", "LAST WRITE", "OWNS"}}
	for i := range r.Ports {
		p := &r.Ports[i]
		row := []string{p.Container, orNone(p.Name), p.number(), orNone(p.host())}
		if len(p.Managers) == 0 {
			t.Rows = append(t.Rows, append(row, none, none, none, "nobody owns it"))
		}
		for _, m := range p.Managers {
			t.Rows = append(t.Rows, append(slices.Clone(row), m.Name, m.operation(), age(m.LastWrite, now), m.owns()))
		}
	}
	return t
}

func (p *ownedPorts) host() string {
	switch {
	case p.HostPort == 0:
		return p.HostIP
	case p.HostIP == "":
		return fmt.Sprint(p.HostPort)
	}
	return fmt.Sprintf("%s:%d", p.HostIP, p.HostPort)
}

func (m portManager) operation() string {
	if m.Subresource != "" {
		return fmt.Sprintf("%s of %s", m.Operation, m.Subresource)
	}
	return string(m.Operation)
}

// owns is "port: name, protocol" or, without the port, "only hostPort".
func (m portManager) owns() string {
	fields := strings.Join(m.Fields, ", ")
	switch {
	case !m.OwnsPort:
		return "only " + fields
	case fields == "":
		return "the port"
	}
	return "the port: " + fields
}

// writeNames prints the owners of all ports, each once.
func (r *ownersReport) writeNames(out io.Writer) error {
	names := []string{}
	for i := range r.Ports {
		names = append(names, r.Ports[i].owners()...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := fmt.Fprintln(out, output.Clean(name)); err != nil {
			return err
		}
	}
	return nil
}

// age is a time as kubectl's tables have it.
func age(t *metav1.Time, now time.Time) string {
	if t == nil {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(t.Time))
}
