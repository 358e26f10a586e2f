package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Paths in the image. Go's crypto/x509 searches for the roots where
// Debian has them, see root_linux.go there.
const (
	binaryPath = "portside"
	rootsPath  = "etc/ssl/certs/ca-certificates.crt"
	billPath   = "usr/share/sbom/portside.cdx.json"
)

// file is one of the image, by its path without a leading slash.
type file struct {
	path string
	mode os.FileMode
	data []byte
}

// content is what an image for one platform has in it.
type content struct {
	binary
	files []file // by path
}

// contentFor builds portside and adds everything else.
func contentFor(ctx context.Context, o options, platform string) (content, error) {
	p, err := parsePlatform(platform)
	if err != nil {
		return content{}, err
	}
	b, err := build(ctx, o, p)
	if err != nil {
		return content{}, err
	}
	roots, err := roots()
	if err != nil {
		return content{}, err
	}
	bill, err := billOf(b, o.version)
	if err != nil {
		return content{}, err
	}
	return content{binary: b, files: []file{
		{rootsPath, 0o644, roots},
		{binaryPath, 0o755, b.data},
		{billPath, 0o644, bill},
	}}, nil
}

// writeTo writes files below a folder, as of a time.
func writeTo(folder string, files []file, created time.Time) error {
	for _, f := range files {
		path := filepath.Join(folder, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.data, f.mode); err != nil {
			return err
		}
		if err := os.Chmod(path, f.mode); err != nil { // whatever the umask
			return err
		}
		if err := os.Chtimes(path, time.Time{}, created); err != nil {
			return err
		}
	}
	return nil
}
