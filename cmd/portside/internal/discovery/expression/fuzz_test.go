package expression_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// FuzzExpression: whatever an expression and an answer are, the expression is refused in
// one line, or evaluated within its bounds to a list in JSON, or to an error.
func FuzzExpression(f *testing.F) {
	for _, seed := range [][2]string{
		{`self.filter(l, l.running)`, `[{"type":"nfs","port":2049,"running":true}]`},
		{`self.map(l, {"type": l.name.split(":")[0], "port": int(l.port)})`, `[{"name":"a:b","port":"1"}]`},
		{`self.?l.orValue([])`, `{"l":null}`},
		{`[[1, 2].map(a, {"port": a}), self].filter(x, true)[0]`, `1e400`},
		{`self.map(a, self.map(b, self))[0][0]`, `[[[]]]`},
		{`[{"type": cidr(self.c).ip(), "port": 1}]`, `{"c":"::/0"}`},
		{"self\n  + ", `{}`},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, text string, answer []byte) {
		program, err := expression.Compile(text)
		if err != nil {
			if program != nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, %q", program, err)
			}
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		result, err := program.Evaluate(ctx, answer, "type", "port")
		if ctx.Err() != nil {
			t.Fatal("the evaluation took a minute")
		}
		if err != nil {
			if result != nil {
				t.Fatalf("%s, and %v", result, err)
			}
			return
		}
		var list []map[string]any
		if err := json.Unmarshal(result, &list); err != nil {
			t.Fatalf("%s is no list of objects: %v", result, err)
		}
		if len(list) > expression.MaxElements || len(result) > expression.MaxResultBytes {
			t.Fatalf("the result has %d elements in %d bytes", len(list), len(result))
		}
		for _, element := range list {
			for name := range element {
				if name != "type" && name != "port" {
					t.Fatalf("the result has the field %q", name)
				}
			}
		}
	})
}
