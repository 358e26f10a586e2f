package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// history prints and checks which manager changed the ports in each revision that is
// kept.
func (s *stage) history(ctx context.Context) error {
	s.out.rule("Which manager changed what")
	s.out.block(historyText)
	args := []string{"history", "statefulset/" + workload}
	s.out.command(append([]string{"portside"}, args...))
	table, err := s.portside.run(ctx, args...)
	if err != nil {
		return err
	}
	s.out.lastColumnWrapped(table)
	document, err := s.portside.run(ctx, append(args, "-o", "json")...)
	if err != nil {
		return err
	}
	got, err := changedBy(document)
	if err != nil {
		return fmt.Errorf("the answer of portside history: %w\n%s", err, document)
	}
	return s.out.claims([]claim{{"the history attributes portside's changes, and no others, to portside", differ(got, revisions)}})
}

const historyText = `
portside sync records each change in an Event; the service records them in the
AdapterSet's status. managedFields do not show removals, so the manager that
removed a port in step 6 is unknown. Step 4 restored the first template, as
revision 3.`

// revisions are the revisions that changed ports and are kept in the end, each with its
// manager.
var revisions = []string{"2 unknown", "3 portside", "4 portside", "5 unknown", "6 portside"}

// changedBy reads the JSON that portside history prints.
func changedBy(document string) ([]string, error) {
	var history struct {
		Revisions []struct {
			Revision int
			Managers []string
			Certain  bool
		}
	}
	if err := json.Unmarshal([]byte(document), &history); err != nil {
		return nil, err
	}
	var all []string
	for _, r := range history.Revisions {
		by := "unknown"
		if r.Certain {
			by = strings.Join(r.Managers, ",")
		}
		all = append(all, fmt.Sprintf("%d %s", r.Revision, by))
	}
	return all, nil
}

// lastColumnWrapped prints a table as portside does on a terminal of this width.
func (p *printer) lastColumnWrapped(table string) {
	header, _, _ := strings.Cut(table, "\n")
	at := strings.LastIndex(header, " ")
	for row := range strings.Lines(table) {
		line := row[:at]
		for word := range strings.FieldsSeq(row[at:]) {
			if len(line)+1+len(word) > width-2 {
				p.shown(line)
				line = strings.Repeat(" ", at)
			}
			line += " " + word
		}
		p.shown(line)
	}
}
