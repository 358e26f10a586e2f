package cmd

import (
	"math"
	"runtime/debug"
)

// leaveHeadroom lowers the memory limit of the Go runtime by a tenth, where the
// environment variable GOMEMLIMIT sets one. The manifests set it to the limit of
// the container, which counts memory as well that the runtime does not manage.
func leaveHeadroom() {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}
