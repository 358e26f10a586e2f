package httpapi_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// TestParseCost: the longest body costs little memory, whatever is in it. It is not
// parallel: it counts what the process allocates, garbage included.
func TestParseCost(t *testing.T) {
	full := func(begin, item, end string) string {
		return begin + strings.Repeat(item, (httpapi.MaxBodyBytes-len(begin)-len(end))/len(item)) + end
	}
	element := strings.Trim(adapterWith("port", "1"), "[]")
	for name, body := range map[string]string{
		"many elements":             full(`[{}`, `,{}`, `]`),
		"many adapters":             full(`[`+element, `,`+element, `]`),
		"many fields":               full(`[{"a":0`, `,"a":0`, `}]`),
		"many repeated types":       full(`[{"type":0`, `,"type":0`, `}]`),
		"many escaped names":        full(`[{"\u0061":0`, `,"\u0061":0`, `}]`),
		"many numbers":              full(`[0`, `,0`, `]`),
		"a long type":               full(`[{"type":"`, `\n`, `"}]`),
		"a long protocol":           full(`[{"protocol":"`, `x`, `"}]`),
		"a long name":               full(`[{"`, `\n`, `":0}]`),
		"a long number":             full(`[{"type":"x","port":`, `1`, `}]`),
		"deep nesting":              full(``, `[`, ``),
		"deep nesting in a field":   full(`[{"a":`+strings.Repeat("[", 9000), ` `, strings.Repeat("]", 9000)+`}]`),
		"space":                     full(`[`, ` `, `]`),
		"cut off":                   full(`[{}`, `,{}`, ``),
		"text after the list":       full(`[{}`, `,{}`, `]x`),
		"one byte beyond the limit": full(`[`, ` `, `]`) + " ",
	} {
		t.Run(name, func(t *testing.T) {
			const most = 3 << 20
			data := append(make([]byte, 0, len(body)+1), body...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := httpapi.Parse(t.Context(), "adapters.json", data, nil)
			runtime.ReadMemStats(&after)
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > most {
				t.Errorf("%d bytes were allocated", allocated)
			}
			if err == nil && name != "space" {
				t.Error("it is a list of adapters")
			}
		})
	}
}
