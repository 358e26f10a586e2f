// Command demo plays a story on a real control plane: DittoFS, deployed by Argo CD,
// changes the protocols that it serves, and portside keeps its ports in sync.
//
//  1. In the first act each step runs `portside sync`, and counts its requests.
//  2. In the second act `portside run` asks the pods itself: a process with the token of
//     the ServiceAccount, the RBAC and the admission policies that `portside install`
//     prints. The AdapterSet and the owners of the ports are printed whenever they
//     change.
//
// Only the pods are simulated: they run nothing, or a fake DittoFS API. etcd,
// kube-apiserver and the controllers are real, DittoFS's answers are recordings of a
// real server, and portside is the binary that users run.
//
// The demo checks the claims of each step, and exits with 1 if one does not hold. The
// story goes to stdout, progress to stderr.
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
	// When the reader of a pipe ends (demo | head), the control plane must be stopped.
	// By default the signal would end the process.
	signal.Ignore(syscall.SIGPIPE)
	// envtest warns without a logger, and client-go logs interruptions to stderr.
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], wholeShow, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// programme is what is played: the steps of the first act, and the scenes of the
// second.
type programme struct {
	story  []step
	scenes []scene
}

var wholeShow = programme{story, scenes}

// run plays the programme and returns the exit code: 0 if every claim holds, 1 if one
// does not or an error occurs, 2 for invalid usage.
func run(ctx context.Context, args []string, show programme, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	keep := flags.Bool("keep", false, "keep the control plane running until Ctrl-C, and print how to use it")
	act := flags.Int("act", 0, "play only act 1 (portside sync) or act 2 (portside run)")
	portside := flags.String("portside", "", "run this `binary` instead of building one")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: unexpected arguments %q\n", flags.Args())
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

// on sets the stage, plays, and removes everything.
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
			progress.linef("demo: %v", err) // before the wait, since it is what to inspect
		}
		s.invite(p.namespace())
		<-ctx.Done()
	}
	return err
}

// namespace returns the namespace of the first act that is played.
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

// orInterrupted replaces an error that Ctrl-C caused.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
