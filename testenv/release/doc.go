// Package release checks what goreleaser builds from .goreleaser.yaml: the archives with
// their contents, checksums and bills of materials, the archive of the chart, and the
// manifest for krew, by krew's own validation and installation.
//
// `make release` checks all platforms, in the folder that PORTSIDE_RELEASE names. Without
// it, the test builds a snapshot of this machine's platform.
//
// It is a module of its own, because of krew's requirements.
package release
