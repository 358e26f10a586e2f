//go:build chromium

package page

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestPage writes the page of a StatefulSet and a Service from a real API server.
func TestPage(t *testing.T) {
	t.Parallel()
	document := postMortem(t)
	for _, part := range []string{
		"argocd-controller", "kube-controller-manager (Update of scale)", "kube-controller-manager (Update of status)", "kubectl-set", "kubectl-annotate",
		"portside (Apply)", "adapter-nfs", "recorded in an Event",
	} {
		if !strings.Contains(document, part) {
			t.Errorf("the page has no %q", part)
		}
	}
	bin, err := testenv.ModuleFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	pictures := filepath.Join(filepath.Dir(bin), "bin", "page")
	b := startBrowser(t)
	for _, s := range screens {
		o := b.open(document, s)
		o.check(s)
		o.picture(filepath.Join(pictures, s.String()+".png"))
	}
}

// TestPage_Attacks shows documents of files that try to break the page.
func TestPage_Attacks(t *testing.T) {
	t.Parallel()
	s := &scene{ControlPlane: testenv.Shared(t), t: t, namespace: "default", program: portside.BuildFor(t)}
	const html = `"><script>document.title='attacked'</script><img src=http://192.0.2.1/x onerror="document.title='attacked'"><style>body{display:none}</style>`
	long := strings.Repeat("x", 100_000)
	secret := base64.StdEncoding.EncodeToString([]byte("hunter2-hunter2"))
	b := startBrowser(t)
	for name, document := range map[string]string{
		"HTML":         object("ConfigMap", html, html, map[string]string{html: html}),
		"long texts":   object("ConfigMap", strings.Repeat("n", 253), strings.Repeat("m", 128), map[string]string{strings.Repeat("k", 253): long, "lines": strings.Repeat(long[:500]+"\n", 100)}),
		"many fields":  object("ConfigMap", "many", "git", manyFields(2000)),
		"deep nesting": deep(40),
		"a Secret":     object("Secret", "s", "git", map[string]string{"password": secret}),
	} {
		written := s.portside(document, "owners", "-f", "-", "-o", "html")
		if strings.Contains(written, secret) || strings.Contains(written, "hunter2") {
			t.Errorf("%s: the page has the data of a Secret", name)
		}
		if len(written) > 1<<20 {
			t.Errorf("%s: the page has %d bytes", name, len(written))
		}
		for _, on := range []screen{screens[0], screens[3]} {
			o := b.open(written, on)
			o.check(on)
			if title := evaluate[string](o, "document.title"); strings.Contains(title, "attacked") && !strings.Contains(title, "<") {
				t.Errorf("%s: a script of the object ran", name)
			}
		}
	}
}

// manyFields returns the data of a ConfigMap.
func manyFields(n int) map[string]string {
	data := map[string]string{}
	for i := range n {
		data[fmt.Sprintf("key-%04d", i)] = "value"
	}
	return data
}

// check tests what every page must be.
func (o *opened) check(s screen) {
	o.t.Helper()
	report := func(what string, found []string) {
		o.t.Helper()
		if len(found) > 0 {
			o.t.Errorf("%v: %s: %q", s, what, found[:min(len(found), 5)])
		}
	}
	report("the page requests", o.requests())
	report("elements beyond the right edge", evaluate[[]string](o, overflowing))
	if width := evaluate[int64](o, "document.documentElement.scrollWidth"); width > s.width {
		o.t.Errorf("%v: the page is %d pixels wide", s, width)
	}
	report("elements that a page must not have", evaluate[[]string](o, forbidden))
	report("texts with too little contrast", evaluate[[]string](o, lowContrast))
	report("cells that no header describes, or ids that do not exist", evaluate[[]string](o, unlabelled))
	levels := evaluate[[]int](o, `[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])`)
	if len(levels) == 0 || levels[0] != 1 || slices.Contains(levels[1:], 1) {
		o.t.Errorf("%v: the levels of the headings are %v", s, levels)
	}
	for i := 1; i < len(levels); i++ {
		if levels[i] > levels[i-1]+1 {
			o.t.Errorf("%v: heading %d skips a level: %v", s, i+1, levels)
		}
	}
	if n := evaluate[int](o, `document.querySelectorAll('main, body > header').length`); n != 2 {
		o.t.Errorf("%v: the page has %d of the landmarks main and header", s, n)
	}
}

// Expressions of JavaScript that return what is wrong with a page.
const (
	visible = `[...document.querySelectorAll('body *')].filter(e => !e.closest('.unseen') && e.getClientRects().length)`
	name    = `e.tagName + '.' + e.className + ': ' + e.textContent.trim().slice(0, 60)`

	overflowing = visible + `.filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 0.5 || r.left < -0.5 }).map(e => ` + name + `)`
	forbidden   = `[...document.querySelectorAll('script, img, link, iframe, object, embed, form, svg, video, audio, base')].map(e => ` + name + `)
		.concat([...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).map(e => ` + name + `))`
	unlabelled = `[...document.querySelectorAll('table')].filter(t => !t.caption || !t.tHead || [...t.tHead.querySelectorAll('th')].some(h => h.scope !== 'col'))
		.concat([...document.querySelectorAll('[aria-labelledby]')].filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))))
		.concat([...document.querySelectorAll('a')].filter(e => !document.querySelector(e.getAttribute('href'))))
		.concat(document.documentElement.lang ? [] : [document.documentElement]).map(e => ` + name + `)`
	// lowContrast compares the colour of every text with the background behind it.
	lowContrast = `(() => {
		const parse = c => c.match(/[\d.]+/g).map(Number)
		const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
			const v = c[i] / 255
			return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		}, 0)
		const behind = e => {
			for (; e; e = e.parentElement) {
				const c = parse(getComputedStyle(e).backgroundColor)
				if (c.length < 4 || c[3] > 0) return c
			}
			return [255, 255, 255]
		}
		return ` + visible + `.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).filter(e => {
			const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(behind(e))]
			return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5
		}).map(e => ` + name + `)
	})()`
)
