// Package architecture has a test of which package may import which, and nothing
// else.
package architecture
