package changes

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestOtherFields_compare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after string
		want          []FieldChange
	}{
		"nothing":                {`{"a":{"b":[1,{"name":"x"}]}}`, `{"a":{"b":[1,{"name":"x"}]}}`, nil},
		"a value":                {`{"a":{"b":5}}`, `{"a":{"b":1}}`, []FieldChange{{"a.b", "5", "1"}}},
		"another type":           {`{"a":{"b":5}}`, `{"a":"x"}`, []FieldChange{{"a", `{"b":5}`, `"x"`}}},
		"fields of a new object": {`{}`, `{"a":{"c":2,"b":1}}`, []FieldChange{{"a.b", "", "1"}, {"a.c", "", "2"}}},
		"an object is removed":   {`{"a":{"b":1}}`, `{}`, []FieldChange{{"a.b", "1", ""}}},
		"an empty object":        {`{}`, `{"a":{}}`, []FieldChange{{"a", "", "{}"}}},
		"items in another order": {`{"a":[{"name":"x","v":1},{"name":"y"}]}`, `{"a":[{"name":"y"},{"name":"x","v":1}]}`,
			[]FieldChange{{"a", `[{"name":"x","v":1},{"name":"y"}]`, `[{"name":"y"},{"name":"x","v":1}]`}}},
		"a field of a named item": {`{"a":[{"name":"x","v":1}]}`, `{"a":[{"name":"x","v":2}]}`, []FieldChange{{`a[name="x"].v`, "1", "2"}}},
		"an item by its index":    {`{"a":["x"]}`, `{"a":["x","y"]}`, []FieldChange{{"a[1]", "", `"y"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before, after any
			for text, value := range map[string]*any{c.before: &before, c.after: &after} {
				if err := json.Unmarshal([]byte(text), value); err != nil {
					t.Fatal(err)
				}
			}
			if c.before == c.after {
				after = before
			}
			if got := compare(nil, "", before, after); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
