package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apiserver/pkg/cel/library"
)

// answerVariable is the variable that has the answer.
const answerVariable = "self"

// unbounded are the functions that expressions must not call: see the package comment.
var unbounded = []string{"matches", "replace", "join", "indexOf", "lastIndexOf"}

// environment is what expressions are compiled in.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(answerVariable, cel.DynType),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(0)),
		library.URLs(), library.IP(), library.CIDR(),
		cel.ASTValidators(boundedFunctions{}),
	)
})

// boundedFunctions is a [cel.ASTValidator] that refuses calls of unbounded functions.
type boundedFunctions struct{}

// Name implements [cel.ASTValidator].
func (boundedFunctions) Name() string { return "portside.functions" }

// Validate implements [cel.ASTValidator].
func (boundedFunctions) Validate(_ *cel.Env, _ cel.ValidatorConfig, a *ast.AST, issues *cel.Issues) {
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && slices.Contains(unbounded, e.AsCall().FunctionName()) {
			issues.ReportErrorAtID(e.ID(), "the function %s is not available", e.AsCall().FunctionName())
		}
	}))
}

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	env *cel.Env
	ast *cel.Ast
}

// Compile compiles an expression whose result can be a list of objects. Its error has
// the line and the column, both from 1, of each of the first mistakes.
func Compile(text string) (*Program, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("cannot prepare CEL: %w", err)
	}
	checked, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, mistakes(issues.Errors())
	}
	if got := checked.OutputType(); !canBeAdapters(got) {
		return nil, fmt.Errorf("line 1, column 1: the result must be a list of objects, such as [{\"type\": \"nfs\", \"port\": 2049}], not %.40s", cel.FormatCELType(got))
	}
	return &Program{env, checked}, nil
}

// canBeAdapters reports whether a type can be a list of objects, as far as it is known.
func canBeAdapters(t *cel.Type) bool {
	switch t.Kind() {
	case types.DynKind:
		return true
	case types.ListKind:
		of := t.Parameters()[0].Kind()
		return of == types.DynKind || of == types.MapKind || of == types.TypeParamKind // the last is that of []
	default:
		return false
	}
}

// maxMistakes is how many mistakes of an expression are reported: one at the beginning
// often causes all that follow.
const maxMistakes = 3

// mistakes returns one error, of one line, for what is wrong with an expression.
func mistakes(errs []*common.Error) error {
	var texts []string
	for _, err := range errs[:min(len(errs), maxMistakes)] {
		message := strings.TrimSuffix(strings.Join(strings.Fields(err.Message), " "), " (in container '')")
		texts = append(texts, fmt.Sprintf("line %d, column %d: %s", err.Location.Line(), err.Location.Column()+1, message))
	}
	return errors.New(strings.Join(texts, "; "))
}
