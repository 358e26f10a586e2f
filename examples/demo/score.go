package main

import "strconv"

// score is the table at the end of the story.
type score struct{ rows []row }

type row struct {
	title string
	seen
}

func (s *score) add(st step, saw seen) { s.rows = append(s.rows, row{st.title, saw}) }

func (s *score) print(p *printer) {
	p.rule("What it cost")
	p.linef("")
	p.linef("  %-47s  %s", "", "portside's writes    pods")
	p.linef("  %-47s %8s %8s %8s", "step", "sent", "stored", "started")
	before := 0
	for _, r := range s.rows {
		sent, stored := "-", "-"
		if r.again != nil {
			sent, stored = strconv.Itoa(r.sent), strconv.Itoa(r.stored)
		}
		p.linef("  %-47s %8s %8s %8d", r.title, sent, stored, r.podStarts-before)
		before = r.podStarts
	}
	p.block(closing)
}

const closing = `
Every claim held. portside and Argo CD also did each step a second time: no
field of the StatefulSet changed, and no pod restarted.`
