package main

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is an unprivileged number, not a name: a kubelet with runAsNonRoot must
// see that it is not 0. The Deployment of examples/chart names the same.
const user = "65532:65532"

// indexOf is the index of the images for all platforms.
func indexOf(ctx context.Context, o options) (v1.ImageIndex, error) {
	images := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range o.platforms {
		c, err := contentFor(ctx, o, platform)
		if err != nil {
			return nil, err
		}
		p, err := parsePlatform(platform)
		if err != nil {
			return nil, err
		}
		image, err := c.image(p, o.version)
		if err != nil {
			return nil, err
		}
		images = mutate.AppendManifests(images, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &p}})
	}
	// An archive is a layout, whose index names what is in it.
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: images, Descriptor: v1.Descriptor{Annotations: names(o.version)}}), nil
}

// tag is what a tag may be, see
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests.
var tag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// names are the image's in an archive. `portside install` names the same by
// default: the version where it is a tag, or else devel.
func names(version string) map[string]string {
	if !tag.MatchString(version) {
		version = "devel"
	}
	return map[string]string{
		"org.opencontainers.image.ref.name": version,
		"io.containerd.image.name":          "docker.io/library/portside:" + version,
	}
}

// labels describe the image, see
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
func labels(b binary, version string) map[string]string {
	const at = "https://github.com/portside-dev/portside"
	all := map[string]string{
		"org.opencontainers.image.title":         "portside",
		"org.opencontainers.image.description":   "Keeps the adapter-* ports of workloads true to the protocol adapters they serve, and owns nothing else of them",
		"org.opencontainers.image.url":           at,
		"org.opencontainers.image.source":        at,
		"org.opencontainers.image.documentation": at + "#readme",
		"org.opencontainers.image.vendor":        "portside",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       version,
	}
	if revision := b.setting("vcs.revision"); revision != "" {
		all["org.opencontainers.image.revision"] = revision
		all["org.opencontainers.image.created"] = b.created().Format(time.RFC3339)
	}
	return all
}

// image is one platform's.
func (c content) image(platform v1.Platform, version string) (v1.Image, error) {
	layer, err := c.layer()
	if err != nil {
		return nil, err
	}
	labels := labels(c.binary, version)
	created := v1.Time{Time: c.created()}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, Created: created, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: user, Entrypoint: []string{"/" + binaryPath}, WorkingDir: "/", Labels: labels},
	})
	if err != nil {
		return nil, err
	}
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "portside's examples/image"}})
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(image, labels).(v1.Image), nil
}

// layer has all files. They belong to root, and are not writable by others.
func (c content) layer() (v1.Layer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, folder := range c.folders() {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: c.created(), Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
	}
	for _, f := range c.files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: c.created(), Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(out.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// folders are those that the files are in, a folder before what is in it.
func (c content) folders() []string {
	all := map[string]bool{}
	for _, f := range c.files {
		for folder := path.Dir(f.path); folder != "."; folder = path.Dir(folder) {
			all[folder] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
