package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// panel shows the AdapterSet and the owners of the ports, as kubectl and
// portside print them, each time one of them is another. On a terminal it is
// drawn in place; elsewhere each block is printed when it has changed.
type panel struct {
	out *printer

	asked  [2]string // what was true when kubectl and portside were last asked
	blocks [3][]string
	drawn  int // lines on the terminal
	begun  time.Time
	waited time.Duration // in whole seconds, as last drawn
	since  func(time.Time) time.Duration
}

func newPanel(out *printer) *panel { return &panel{out: out, since: time.Since} }

// enter begins a scene: what was drawn stays, and the next comes below it.
func (p *panel) enter() { p.drawn, p.asked, p.begun, p.waited = 0, [2]string{}, time.Now(), 0 }

// show asks kubectl and portside again where something has changed, and draws.
func (p *panel) show(ctx context.Context, l *life, now view) error {
	_, version, _ := l.watcher.look()
	asked := [2]string{"version " + version, fmt.Sprint(now.ports)} // never empty, as nothing asked is
	blocks := p.blocks
	for i, command := range []*exec.Cmd{
		l.kubectl.command(ctx, "get", "adaptersets", "-o", "custom-columns-file="+columnsFile),
		l.cli.command(ctx, "owners", "statefulset/"+workload),
	} {
		if asked[i] == p.asked[i] {
			continue
		}
		typed := typed(command)
		output, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", typed, err, output)
		}
		blocks[i] = append([]string{"$ " + typed}, strings.Split(strings.TrimSpace(string(output)), "\n")...)
	}
	p.asked = asked
	blocks[2] = []string{fmt.Sprintf("generation %d   pods started %d", now.generation, now.podStarts)}
	p.draw(blocks)
	return nil
}

func (p *panel) draw(blocks [3][]string) {
	_, inPlace := p.out.canvas()
	waited := p.since(p.begun).Truncate(time.Second)
	if inPlace && p.drawn > 0 && waited == p.waited && slices.EqualFunc(blocks[:], p.blocks[:], slices.Equal) {
		return
	}
	var lines []string
	for i, block := range blocks {
		if inPlace || !slices.Equal(block, p.blocks[i]) {
			lines = append(append(lines, ""), block...)
		}
	}
	if inPlace {
		lines[len(lines)-1] += fmt.Sprintf("   after %s", waited)
		p.out.over(p.drawn)
	}
	p.blocks, p.drawn, p.waited = blocks, len(lines), waited
	for _, line := range lines {
		p.out.shown(line)
	}
}
