// Package page tests the HTML page of `portside owners -o html` in a browser: nothing
// overflows at the widths of a phone and of a large screen, in light and in dark, and the
// page needs no script and sends no request. It writes a picture of each to bin/page.
//
// It needs Debian's package chromium, so its tests have the build tag chromium, which
// make test-html sets. They do not need root, and the browser has no network.
package page
