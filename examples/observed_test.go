package examples_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/vocabulary"
)

// TestVocabularyObserved checks that each state, outcome and reason is mentioned by
// a test that uses the control plane, as portside's constant or as a word of a
// string.
//
// The check reads only the source of the tests: it reports each constant that no test
// with a path to testenv mentions. It does not prove that a test asserts the constant,
// and if several tables have the same word, it cannot tell which of them a test means.
func TestVocabularyObserved(t *testing.T) {
	mentioned := map[string]bool{}
	packages := map[string]*tests{}
	if err := vocabulary.Files("..", func(path string, file *ast.File) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		folder := filepath.Dir(path)
		if packages[folder] == nil {
			packages[folder] = &tests{uses: map[string]map[string]bool{}, words: map[string]map[string]bool{}}
		}
		packages[folder].add(file)
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		maps.Copy(mentioned, p.mentions())
	}
	for _, table := range vocabulary.Tables {
		for _, c := range constants(t, table) {
			if !mentioned[c.Value] && !mentioned[c.Name] && unobservable[c.Name] == "" {
				t.Errorf("%s: no test that uses the control plane mentions %s", table.Heading, c.Value)
			}
		}
	}
}

// unobservable maps the constants that a user never sees to the reason.
var unobservable = map[string]string{
	"discovery.Canceled": "a poll that is canceled is not reported",
}

// tests describes the top-level declarations in a package's test files by name: which
// identifiers each uses, and which words and constants it mentions. Methods are recorded
// by their name alone.
type tests struct{ uses, words map[string]map[string]bool }

func (p *tests) add(file *ast.File) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			p.read(d.Name.Name, d)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if spec, is := s.(*ast.ValueSpec); is && d.Tok != token.IMPORT {
					for _, name := range spec.Names {
						p.read(name.Name, spec)
					}
				}
			}
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z]+`)

// read records what a declaration uses and mentions.
func (p *tests) read(name string, declaration ast.Node) {
	if p.uses[name] == nil {
		p.uses[name], p.words[name] = map[string]bool{}, map[string]bool{}
	}
	ast.Inspect(declaration, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.Ident:
			p.uses[name][n.Name] = true
		case *ast.SelectorExpr:
			if imported, is := n.X.(*ast.Ident); is {
				p.words[name][imported.Name+"."+n.Sel.Name] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				for _, w := range word.FindAllString(text, -1) {
					p.words[name][w] = true
				}
			}
		}
		return true
	})
}

// mentions returns the words of the tests that use the control plane, with those of
// the declarations that they use.
func (p *tests) mentions() map[string]bool {
	all := map[string]bool{}
	for name := range p.uses {
		if !strings.HasPrefix(name, "Test") {
			continue
		}
		reached := map[string]bool{}
		p.reach(name, reached)
		if !reached["testenv"] {
			continue
		}
		for used := range reached {
			maps.Copy(all, p.words[used])
		}
	}
	return all
}

// reach adds to reached the declaration and, recursively, everything that it uses.
func (p *tests) reach(name string, reached map[string]bool) {
	if reached[name] {
		return
	}
	reached[name] = true
	for used := range p.uses[name] {
		p.reach(used, reached)
	}
}
