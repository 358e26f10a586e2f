// Command image makes the image of portside without Docker: an OCI archive,
// from scratch, which podman, skopeo, crane and containerd read as it is. What
// is in it:
//
//   - /portside, linked statically, with its version in it;
//   - the roots of the certification authorities that Mozilla trusts, as the Go
//     project publishes them. Certificates of a machine would differ from one
//     machine to the next;
//   - a bill of materials (CycloneDX) with the modules of both.
//
// The same sources, Go and flags make the same bytes, on every machine: nothing
// in it has a time but that of the commit, an owner but root, or a path of the
// machine that built it.
//
// With -rootfs it writes the same files into a folder instead, which is how the
// Dockerfile next to it makes the same content.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
)

// options are what the flags say.
type options struct {
	// source is the folder of the main module.
	source string
	// version goes into the binary and, where it can be one, is the tag.
	version string
	// platforms to build for, as linux/amd64.
	platforms []string
	// archive is the file to write, rootfs the folder. One of them is set.
	archive, rootfs string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.source, "source", "../..", "folder of the main module")
	flags.StringVar(&o.version, "version", "devel", "version of portside")
	flags.StringVar(&o.archive, "archive", "", "OCI archive to write")
	flags.StringVar(&o.rootfs, "rootfs", "", "folder to write the files of the image to, in place of an archive")
	platforms := flags.String("platforms", "linux/"+runtime.GOARCH, "platforms to build for, with commas between")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.platforms = strings.Split(*platforms, ",")
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected arguments: %q", flags.Args())
	case (o.archive == "") == (o.rootfs == ""):
		return o, errors.New("name an -archive or a -rootfs to write, one of them")
	case o.rootfs != "" && len(o.platforms) > 1:
		return o, errors.New("a -rootfs is of one platform")
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	if o.rootfs != "" {
		c, err := contentFor(ctx, o, o.platforms[0])
		if err != nil {
			return err
		}
		return writeTo(o.rootfs, c.files, c.created())
	}
	index, err := indexOf(ctx, o)
	if err != nil {
		return err
	}
	return writeArchive(o.archive, index)
}
