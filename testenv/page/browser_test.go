//go:build chromium

package page

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium that belongs to a test.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// startBrowser starts a browser without a network, until the test ends.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("cannot run Chromium: %v; run apt-get install chromium", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // containers have no user namespaces, and the pages are the test's own
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, timeout := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(timeout)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("cannot start Chromium: %v", err)
	}
	return &browser{t, ctx}
}

// screen is a width in CSS pixels and a colour scheme.
type screen struct {
	width  int64
	scheme string
}

func (s screen) String() string { return fmt.Sprintf("%d-%s", s.width, s.scheme) }

// screens are those of a phone and of a large screen.
var screens = []screen{{400, "light"}, {400, "dark"}, {1600, "light"}, {1600, "dark"}}

// opened is a page in a tab of a browser.
type opened struct {
	t   *testing.T
	tab context.Context
	// address is that of the page, and others are those that the page requested.
	address string
	mu      sync.Mutex
	others  []string
}

// open shows a document, read from a file, in a new tab.
func (b *browser) open(document string, s screen) *opened {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		b.t.Fatal(err)
	}
	tab, end := chromedp.NewContext(b.ctx)
	b.t.Cleanup(end)
	o := &opened{t: b.t, tab: tab, address: (&url.URL{Scheme: "file", Path: file}).String()}
	if err := chromedp.Listen(tab, o.listen); err != nil {
		b.t.Fatal(err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(s.width, 900), chromedp.Navigate(o.address)); err != nil {
		b.t.Fatal(err)
	}
	return o
}

func (o *opened) listen(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if sent, is := event.(*network.EventRequestWillBeSent); is && sent.Request.URL != o.address {
		o.others = append(o.others, sent.Request.URL)
	}
}

// requests returns the addresses that the page requested, without its own.
func (o *opened) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.others)
}

// evaluate returns the value of an expression of JavaScript in the page.
func evaluate[T any](o *opened, expression string) T {
	o.t.Helper()
	value, err := chromedp.Run(o.tab, chromedp.Evaluate[T](expression))
	if err != nil {
		o.t.Fatal(err)
	}
	return value
}

// picture writes a picture of the whole page to a file.
func (o *opened) picture(file string) {
	o.t.Helper()
	png, err := chromedp.Run(o.tab, chromedp.FullScreenshot(100))
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		o.t.Fatal(err)
	}
}
