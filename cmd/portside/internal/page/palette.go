package page

import (
	"fmt"
	"strings"
)

// color is a colour of the page, in light and in dark, as #rrggbb.
type color struct {
	// name is that of the CSS variable, without its dashes.
	name        string
	light, dark string
}

// The colours of the page. Each of inks and managerColors is readable on each of the
// surfaces, and paper is readable on each managerColor: the contrast is at least 4.5:1
// (WCAG 2.2, 1.4.3).
var (
	surfaces = []color{
		{"paper", "#ffffff", "#0d1117"},
		{"panel", "#f6f8fa", "#161b22"},
	}
	inks = []color{
		{"ink", "#1f2328", "#e6edf3"},
		{"muted", "#59636e", "#9da7b1"},
		{"link", "#0550ae", "#79c0ff"},
		{"added", "#116329", "#7ee787"},
		{"removed", "#a40e26", "#ff9d98"},
		{"warning", "#7d4e00", "#f0c04f"},
	}
	// managerColors are those of managers, in order.
	managerColors = []color{
		{"m0", "#0550ae", "#79c0ff"},
		{"m1", "#953800", "#ffa657"},
		{"m2", "#116329", "#7ee787"},
		{"m3", "#6639ba", "#d2a8ff"},
		{"m4", "#99286e", "#ff9bce"},
		{"m5", "#0a6070", "#56d4dd"},
		{"m6", "#5a5600", "#e3d26f"},
		{"m7", "#4a5563", "#b8c1ca"},
	}
	// rules are the lines between parts of the page. They carry no meaning.
	rules = []color{{"rule", "#d1d9e0", "#3d444d"}}
)

// variables returns the colours as CSS variables, and a class for each colour of managers.
func variables() string {
	var light, dark, classes strings.Builder
	for _, list := range [][]color{surfaces, inks, managerColors, rules} {
		for _, c := range list {
			fmt.Fprintf(&light, "--%s:%s;", c.name, c.light)
			fmt.Fprintf(&dark, "--%s:%s;", c.name, c.dark)
		}
	}
	for _, c := range managerColors {
		fmt.Fprintf(&classes, ".%s{--c:var(--%[1]s)}\n", c.name)
	}
	return fmt.Sprintf(":root{%s}\n@media screen and (prefers-color-scheme:dark){:root{%s}}\n%s", light.String(), dark.String(), classes.String())
}
