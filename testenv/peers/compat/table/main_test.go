package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const rows = `{"tool":"kubectl","mode":"replace","answers":{"syncRestartsPods":"yes","replace":"-"},"set":"apply (not a|b)"}
{"tool":"Argo CD","mode":"apply (by default)","answers":{"inSync":"yes","ownerCanChange":"all but: x (no); y (never (or so)); z (no)"},"set":""}
{"tool":"kubectl","mode":"replace","answers":{"syncRestartsPods":"yes","replace":"-"},"set":"apply (not a|b)"}
`

const table = `
| tool | mode | in sync while adapter ports exist | a sync changes adapter ports | a sync restarts pods | what the owner can change | an adapter port that Git declares too | an adapter port removed by hand | replacing the workload | what to set or do |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| Argo CD | apply (by default) | yes |  |  | all but: x[^1]; y[^2]; z[^1] |  |  |  |  |
| kubectl | replace |  |  | yes |  |  |  | - | apply[^3] |

[^1]: No.

[^2]: Never (or so).

[^3]: Not a\|b.

`

func TestTable(t *testing.T) {
	t.Parallel()
	sorted, err := read(strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	got, err := replace("before\n"+begin+"an older table\n"+end+"after\n", markdown(sorted))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("before\n"+begin+table+end+"after\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTable_errors(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"an invalid row":     "no JSON\n",
		"no rows":            "",
		"two different rows": rows + `{"tool":"kubectl","mode":"replace","answers":{"syncRestartsPods":"no"}}` + "\n",
	} {
		if _, err := read(strings.NewReader(lines)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, text := range []string{"no marks", begin, end, end + begin} {
		if _, err := replace(text, "a table"); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
