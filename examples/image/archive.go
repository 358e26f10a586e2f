package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// writeArchive writes an index as a layout in a tar file, see
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md. What
// was there stays until the archive is whole.
func writeArchive(path string, index v1.ImageIndex) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	blobs := filepath.Join(folder, "layout")
	if _, err := layout.Write(blobs, index); err != nil {
		return fmt.Errorf("writing the layout of %s: %w", path, err)
	}
	whole := filepath.Join(folder, "archive")
	out, err := os.Create(whole)
	if err != nil {
		return err
	}
	if err := errors.Join(archive(out, os.DirFS(blobs)), out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(whole, path)
}

// archive writes the files in the order of their names, all of one time.
func archive(out io.Writer, files fs.FS) error {
	w := tar.NewWriter(out)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		header := &tar.Header{Name: name, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if entry.IsDir() {
			header.Typeflag, header.Name, header.Mode = tar.TypeDir, name+"/", 0o755
			return w.WriteHeader(header)
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, int64(len(data))
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	return errors.Join(err, w.Close())
}
