package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"testing"
	"time"
)

// file is a file in an archive.
type file struct {
	content []byte
	mode    fs.FileMode
	time    time.Time
}

// unpack returns the files of a tar.gz or zip archive.
func unpack(t *testing.T, archive []byte) map[string]file {
	t.Helper()
	files := map[string]file{}
	add := func(name string, info fs.FileInfo, modified time.Time, from io.Reader) {
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() {
			files[name] = file{content, info.Mode(), modified.UTC()}
		}
	}
	if bytes.HasPrefix(archive, []byte("PK")) {
		r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.File {
			content, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Name, f.FileInfo(), f.Modified, content)
			_ = content.Close()
		}
		return files
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		add(header.Name, header.FileInfo(), header.ModTime, r)
	}
}
