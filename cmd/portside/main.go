// Command portside keeps the adapter-* ports of Kubernetes workloads true to
// the protocol adapters they serve.
package main

import (
	"context"
	"flag"
	"os"
	"strconv"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
)

// version is set by the linker; without it, the module's version is shown.
var version string

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	root := cmd.New(streams, version, cli.CalledAs(os.Args[0]), cli.OnLogger(logClientGo))
	os.Exit(cli.Run(context.Background(), root))
}

// clientGoVerbosity is from where client-go's own log is of interest. Below it
// says little but the state of its feature gates.
const clientGoVerbosity = 6

// logClientGo has client-go write to the logger what it writes through klog,
// which is global to the process.
func logClientGo(log logr.Logger, verbosity int) {
	if verbosity < clientGoVerbosity {
		log = logr.Discard()
	}
	klog.SetLoggerWithOptions(log, klog.ContextualLogger(true))
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("v", strconv.Itoa(verbosity)) // a number is all it takes
}
