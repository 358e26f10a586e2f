package page

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

const (
	// longestText is how many characters of a text are shown.
	longestText = 240
	// mostLines is how many lines of a text are shown.
	mostLines = 12
)

// clean replaces the characters that could disguise the text.
func clean(text string) string { return printer.Clean(text) }

// cleanTabbed is clean for a text whose tabs stay.
func cleanTabbed(text string) string {
	parts := strings.Split(text, "\t")
	for i := range parts {
		parts[i] = clean(parts[i])
	}
	return strings.Join(parts, "\t")
}

// cut truncates a text to one that the page can show.
func cut(text string) string {
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return text
}

// size returns a number of bytes: "1 byte", "2048 bytes".
func size(n int) string { return count(n, "byte") }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// moment is a time, and its age when the page was written.
type moment struct {
	Machine string // for the datetime attribute
	Text    string // in UTC
	Age     string
}

func (p Page) moment(t time.Time) moment {
	t = t.UTC()
	m := moment{t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05") + " UTC", ""}
	if age := p.Written.Sub(t); age >= time.Second {
		m.Age = duration.HumanDuration(age) + " ago"
	}
	return m
}

// join joins texts that are not empty.
func join(separator string, texts ...string) string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, separator)
}
