package httpapi

import (
	"sync"

	"k8s.io/utils/lru"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// maxPrograms is how many compiled expressions are kept. One takes some 100 KiB, and
// targets with the same server have the same.
const maxPrograms = 64

// programs keeps compiled expressions, since an AdapterSet is read at each reconcile. It
// is safe for concurrent use.
type programs struct {
	once sync.Once
	kept *lru.Cache
}

// compiled is what came of compiling an expression.
type compiled struct {
	program *expression.Program
	err     error
}

// of returns the program of an expression, nil for an empty one.
func (p *programs) of(text string) (*expression.Program, error) {
	if text == "" {
		return nil, nil
	}
	p.once.Do(func() { p.kept = lru.New(maxPrograms) })
	if known, ok := p.kept.Get(text); ok {
		known := known.(compiled)
		return known.program, known.err
	}
	program, err := expression.Compile(text)
	p.kept.Add(text, compiled{program, err})
	return program, err
}
