package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const version = "v0.0.0-test"

// TestTwoBuildsAreTheSame builds copies of the same sources in two places: byte
// for byte one archive, which names neither of them.
func TestTwoBuildsAreTheSame(t *testing.T) {
	t.Parallel()
	place := sources(t, "one")
	one, two := built(t, place), built(t, sources(t, "another/place"))
	if !bytes.Equal(one, two) {
		t.Errorf("archives of %d and %d bytes differ", len(one), len(two))
	}
	for _, f := range unpacked(t, one) {
		if bytes.Contains(f.data, []byte(place)) {
			t.Errorf("%s names the folder it was built in", f.path)
		}
	}
}

// TestImageRuns unpacks the image into a folder and runs its entrypoint there,
// as its user, with that folder as the root: nothing else is available.
func TestImageRuns(t *testing.T) {
	t.Parallel()
	archive := ofTree(t)
	config := configOf(t, archive)
	root := t.TempDir()
	if err := writeTo(root, unpacked(t, archive), time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "portside " + version + " ("},
		{[]string{"install"}, "image: portside:" + version + "\n"},
	} {
		out, err := runAs(t, root, config.Config, test.args...)
		if err != nil || !strings.Contains(out, test.want) {
			t.Errorf("%q: %v, printed %.200q, want %q", test.args, err, out, test.want)
		}
	}
	if config.Config.User != user || config.OS != "linux" || config.Architecture != runtime.GOARCH {
		t.Errorf("user %q, platform %s/%s", config.Config.User, config.OS, config.Architecture)
	}
}

// TestImageIsSound has the library check every digest, size and media type.
func TestImageIsSound(t *testing.T) {
	t.Parallel()
	if err := validate.Index(indexIn(t, ofTree(t))); err != nil {
		t.Error(err)
	}
}

// TestFiles checks that the files exist, belong to root, and are not writable by others.
func TestFiles(t *testing.T) {
	t.Parallel()
	reader := tar.NewReader(mutate.Extract(imageIn(t, ofTree(t))))
	found := map[string]bool{}
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || header.Uname+header.Gname != "" || header.Mode&0o7022 != 0 {
			t.Errorf("%s: owner %d:%d, mode %o", header.Name, header.Uid, header.Gid, header.Mode)
		}
		if header.Typeflag == tar.TypeReg {
			found[header.Name] = true
		}
	}
	for _, path := range []string{binaryPath, rootsPath, billPath} {
		if !found[path] {
			t.Errorf("%s does not exist", path)
		}
		delete(found, path)
	}
	if len(found) > 0 {
		t.Errorf("and there is more: %v", found)
	}
}

// sources copies what the binary is built from to a folder of its own, without
// a repository around it.
func sources(t *testing.T, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), name)
	for _, from := range []string{"cmd", "apply", "fieldmanager", "examples/chart"} {
		if err := os.CopyFS(filepath.Join(to, from), os.DirFS(filepath.Join("../..", from))); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join("../..", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, from), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// built is the archive for this machine's architecture.
func built(t *testing.T, source string) []byte {
	t.Helper()
	data, err := archiveOf(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ofTree is the archive of these sources, which several tests look at.
func ofTree(t *testing.T) []byte {
	t.Helper()
	data, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var tree = sync.OnceValues(func() ([]byte, error) { return archiveOf(context.Background(), "../..") })

func archiveOf(ctx context.Context, source string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "image-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "new", "image.tar")
	o, err := parse([]string{"-source", source, "-version", version, "-archive", path})
	if err != nil {
		return nil, err
	}
	if err := run(ctx, o); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// indexIn is the one image, for each platform, that an archive has.
func indexIn(t *testing.T, archive []byte) v1.ImageIndex {
	t.Helper()
	folder := t.TempDir()
	for _, f := range filesOf(t, bytes.NewReader(archive)) {
		path := filepath.Join(folder, f.path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := all.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%d in the layout, want one: %v", len(manifest.Manifests), err)
	}
	index, err := all.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func imageIn(t *testing.T, archive []byte) v1.Image {
	t.Helper()
	index := indexIn(t, archive)
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%d platforms, want one: %v", len(manifest.Manifests), err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func configOf(t *testing.T, archive []byte) *v1.ConfigFile {
	t.Helper()
	config, err := imageIn(t, archive).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// unpacked are the files of an archive's image.
func unpacked(t *testing.T, archive []byte) []file {
	t.Helper()
	return filesOf(t, mutate.Extract(imageIn(t, archive)))
}

func filesOf(t *testing.T, from io.Reader) []file {
	t.Helper()
	var files []file
	for reader := tar.NewReader(from); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{header.Name, os.FileMode(header.Mode), data})
	}
}
