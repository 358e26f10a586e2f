// Package pages reads the Markdown pages of this repository, so that tests run what the
// pages show. Its own test runs all commands; see [Block] for what it makes of a block.
package pages

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/portside-dev/portside/testenv"
)

// Block is a fenced code block of a page. Its language decides what a test does:
//
//	sh       runs the commands; each must succeed
//	console  runs each command after "$ ", and compares its output with the lines below
//	yaml     applies the objects as a dry run; a fragment without apiVersion must be YAML
//	json     must be JSON
//	go       must be a part of a file that tests compile and run
//	text     is output of a program that its own test compares
//	http, mermaid  are for readers
//
// YAML whose first line is a comment with a name, such as "# adapterset.yaml", is a file
// for the commands that follow on the page.
type Block struct {
	Page     string // relative to the root of the repository
	Line     int    // of the text's first line
	Language string
	Text     string
}

// String returns the position of the block.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// FirstLine returns the first line of the text.
func (b Block) FirstLine() string {
	line, _, _ := strings.Cut(b.Text, "\n")
	return line
}

// File returns the name of the file that the block is, empty if it is none.
func (b Block) File() string {
	name, comment := strings.CutPrefix(b.FirstLine(), "# ")
	if !comment || !strings.HasSuffix(name, ".yaml") || strings.Contains(name, " ") {
		return ""
	}
	return name
}

// Step is a command of a console block with the output that the page shows.
type Step struct {
	Command string
	Output  []string
}

// Steps returns the commands of a console block. A line that ends with a backslash goes on
// in the next one.
func (b Block) Steps() []Step {
	var steps []Step
	goesOn := false
	for line := range strings.Lines(b.Text) {
		line = strings.TrimSuffix(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case goesOn:
			steps[len(steps)-1].Command += "\n" + line
			isCommand = true
		case isCommand:
			steps = append(steps, Step{Command: command})
		case len(steps) > 0:
			last := &steps[len(steps)-1]
			last.Output = append(last.Output, line)
		}
		goesOn = isCommand && strings.HasSuffix(line, `\`)
	}
	return steps
}

// Root returns the root of the repository.
func Root() (string, error) {
	file, err := testenv.ModuleFile("go.mod")
	return filepath.Dir(file), err
}

// All returns the pages of the repository, relative to its root and sorted.
func All() ([]string, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	var all []string
	err = fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != "." && path != ".github"
		if entry.IsDir() && (hidden || path == "bin") {
			return fs.SkipDir
		}
		if !entry.IsDir() && filepath.Ext(path) == ".md" {
			all = append(all, path)
		}
		return nil
	})
	slices.Sort(all)
	return all, err
}

// Text returns the text of a page, or of another file, by its path from the root.
func Text(page string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	return string(text), err
}

// Blocks returns the code blocks of a page. It is an error if a block has no language,
// has no end, or is indented instead of fenced.
func Blocks(page string) ([]Block, error) {
	text, err := Text(page)
	if err != nil {
		return nil, err
	}
	var blocks []Block
	var open *Block
	list, before := false, "" // whether a list item may go on, and the previous line
	number := 0
	for line := range strings.Lines(text) {
		number++
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case open != nil && fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line
		case fence:
			if info = strings.TrimSpace(info); info == "" {
				return nil, fmt.Errorf("%s:%d: the code block has no language", page, number)
			}
			open = &Block{Page: page, Line: number + 1, Language: info}
		case strings.HasPrefix(line, "    ") && strings.TrimSpace(before) == "" && !list:
			return nil, fmt.Errorf("%s:%d: the code block is indented; fence it", page, number)
		case strings.TrimSpace(line) != "":
			start := strings.TrimLeft(line, " 0123456789.")
			list = strings.HasPrefix(start, "- ") || start != strings.TrimLeft(line, " ") || list && strings.HasPrefix(line, " ")
		}
		before = line
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: the code block has no end", page, open.Line)
	}
	return blocks, nil
}

// WithLanguage returns the blocks of a page in a language. It is an error if there are
// none.
func WithLanguage(page, language string) ([]Block, error) {
	blocks, err := Blocks(page)
	if err != nil {
		return nil, err
	}
	blocks = slices.DeleteFunc(blocks, func(b Block) bool { return b.Language != language })
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s has no code block in %s", page, language)
	}
	return blocks, nil
}
