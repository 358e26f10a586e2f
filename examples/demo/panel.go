package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// panel shows the AdapterSet and the owners of the ports, as kubectl and portside
// print them, each time that one of them changes.
type panel struct {
	out    *printer
	asked  [2]string   // the state when kubectl and portside last ran
	blocks [3][]string // as last printed
}

// show runs kubectl and portside again where their answers may have changed.
func (p *panel) show(ctx context.Context, l *life, now view) error {
	asked := [2]string{"version " + now.setVersion, fmt.Sprint(now.ports)} // never empty, unlike at the beginning
	blocks := p.blocks
	for i, command := range []*exec.Cmd{
		l.kubectl.command(ctx, "get", "adaptersets", "-o", "custom-columns-file="+columnsFile),
		l.cli.command(ctx, "owners", "statefulset/"+workload),
	} {
		if asked[i] == p.asked[i] {
			continue
		}
		output, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", typed(command), err, output)
		}
		blocks[i] = append([]string{"$ " + typed(command)}, strings.Split(strings.TrimSpace(string(output)), "\n")...)
	}
	p.asked = asked
	blocks[2] = []string{fmt.Sprintf("generation %d   pods started %d", now.generation, now.podStarts)}
	blocks[2] = append(blocks[2], now.traffic.lines()...)
	p.print(blocks)
	return nil
}

// print prints the blocks that have changed.
func (p *panel) print(blocks [3][]string) {
	for i, block := range blocks {
		if slices.Equal(block, p.blocks[i]) {
			continue
		}
		p.out.linef("")
		for _, line := range block {
			p.out.shown(line)
		}
	}
	p.blocks = blocks
}
