// Command demo plays a story on a real control plane: DittoFS, deployed by
// Argo CD, changes the protocols it serves, and portside keeps its ports true.
//
//  1. In the first act each step is a pass of `portside sync`, and what portside
//     sends is counted on the way.
//  2. In the second `portside run` asks the pods by itself: a process with the
//     token of the ServiceAccount, the RBAC and the admission policies that
//     `portside install` prints. What it says and who owns the ports is shown
//     whenever it changes, on a terminal in place.
//
// Nothing is staged but the pods, which run nothing, or only play DittoFS's API:
// etcd, kube-apiserver and the controllers are the real ones, DittoFS's answers
// are recordings of a real server, and portside is the binary that users run.
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
	code := run(ctx, os.Args[1:], wholeShow, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// programme is what is played: a story of single passes, and then the life of
// the service.
type programme struct {
	story  []step
	scenes []scene
}

var wholeShow = programme{story, scenes}

// run plays the programme and returns the exit code: 0 when every claim holds, 1
// when one does not or something failed, 2 for a usage that is not understood.
func run(ctx context.Context, args []string, show programme, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	keep := flags.Bool("keep", false, "leave the control plane up, say how to use it, and wait for Ctrl-C")
	act := flags.Int("act", 0, "play one act alone: 1 has single passes, 2 the service")
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
	switch *act {
	case 0:
	case 1:
		show.scenes = nil
	case 2:
		show.story = nil
	default:
		fmt.Fprintf(stderr, "demo: there is no act %d, only 1 and 2\n", *act)
		return 2
	}
	if err := show.on(ctx, *portside, *keep, newPrinter(stdout), newPrinter(stderr)); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// on sets the stage, plays, and leaves nothing behind.
func (p programme) on(ctx context.Context, portside string, keep bool, out, progress *printer) (err error) {
	s, err := setStage(ctx, portside, out, progress)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	defer func() {
		progress.linef("stopping the control plane")
		err = errors.Join(err, s.strike())
	}()
	err = p.play(ctx, s)
	if err != nil {
		err = orInterrupted(ctx, err)
	}
	if keep && ctx.Err() == nil {
		if err != nil {
			progress.linef("demo: %v", err) // before the wait: it is what there is to look at
		}
		s.invite(p.namespace())
		<-ctx.Done()
	}
	return err
}

// namespace is where there is something to look at.
func (p programme) namespace() string {
	if len(p.story) > 0 {
		return namespace
	}
	return mediaNamespace
}

func (p programme) play(ctx context.Context, s *stage) error {
	if len(p.story) > 0 {
		if err := s.play(ctx, p.story); err != nil {
			return err
		}
	}
	if len(p.scenes) > 0 {
		return s.live(ctx, p.scenes)
	}
	return nil
}

// orInterrupted says what whoever pressed Ctrl-C knows, in place of whatever
// failed because of it.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
