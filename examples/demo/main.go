// Command demo plays a story on a real control plane: DittoFS, deployed by
// Argo CD, changes the protocols it serves, and portside keeps its ports true.
// Nothing is staged but the pods, which run nothing: etcd, kube-apiserver and
// the controllers are the real ones, DittoFS's answers are recordings of a real
// server, and portside is the binary that users run.
//
// After each step it checks what it claims and exits with 1 when something is
// not so. The story goes to stdout, progress to stderr.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	// A reader that goes away (demo | head) must end the story in order, so
	// that the control plane is stopped: the default would end the process.
	signal.Ignore(syscall.SIGPIPE)
	// What envtest and client-go log is not part of the story. Without a logger,
	// the first complains and the other writes to stderr when it is interrupted.
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], story, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run plays the steps and returns the exit code: 0 when every claim holds, 1
// when one does not or something failed, 2 for a usage that is not understood.
func run(ctx context.Context, args []string, steps []step, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	keep := flags.Bool("keep", false, "leave the control plane up, say how to use it, and wait for Ctrl-C")
	portside := flags.String("portside", "", "run this `binary` in place of one built from the source")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: no argument is taken, but %q is given\n", flags.Args())
		return 2
	}
	if err := show(ctx, *portside, *keep, steps, newPrinter(stdout), newPrinter(stderr)); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// show sets the stage, plays, and leaves nothing behind.
func show(ctx context.Context, portside string, keep bool, steps []step, out, progress *printer) (err error) {
	s, err := setStage(ctx, portside, out, progress)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	defer func() {
		progress.linef("stopping the control plane")
		err = errors.Join(err, s.strike())
	}()
	err = s.play(ctx, steps)
	if err != nil {
		err = orInterrupted(ctx, err)
	}
	if keep && ctx.Err() == nil {
		if err != nil {
			progress.linef("demo: %v", err) // before the wait: it is what there is to look at
		}
		s.invite()
		<-ctx.Done()
	}
	return err
}

// orInterrupted says what whoever pressed Ctrl-C knows, in place of whatever
// failed because of it.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
