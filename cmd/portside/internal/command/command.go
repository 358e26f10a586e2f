// Package command has portside's commands, one a file.
//
// Results go to stdout; errors, warnings, notes and the log go to stderr. A
// command reads and checks all of its input before it asks the server
// anything. Where kubectl has a habit and the design says nothing, it is
// kubectl's.
package command

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/logging"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
)

// defaultRequestTimeout keeps a command from hanging on a server that does not
// answer. kubectl waits for ever by default; it also has watches, we do not.
const defaultRequestTimeout = "30s"

// session is what the commands of one run share.
type session struct {
	streams  genericiooptions.IOStreams
	out      output.Stream
	messages output.Messages
	flags    *genericclioptions.ConfigFlags
	version  string

	logFormat logging.Format
	verbosity int
	onLogger  func(logr.Logger, int)
	// display is the program's name in texts: "portside" or "kubectl portside".
	display string
}

// Option changes what the program is to its caller.
type Option func(*session)

// CalledAs takes the name that the program was called by: as a kubectl plugin
// it shows itself as kubectl portside.
func CalledAs(name string) Option {
	return func(s *session) {
		base := name[strings.LastIndexAny(name, `/\`)+1:]
		if strings.HasPrefix(base, "kubectl-") {
			s.display = "kubectl portside"
		}
	}
}

// OnLogger hands on the logger and the verbosity once the flags are known, for
// what is global to the process.
func OnLogger(use func(log logr.Logger, verbosity int)) Option {
	return func(s *session) { s.onLogger = use }
}

// New makes the program. Its commands return errors that [Run] prints and
// turns into exit codes.
func New(streams genericiooptions.IOStreams, version string, options ...Option) *cobra.Command {
	out := &results{Writer: streams.Out}
	s := &session{
		streams:   streams,
		out:       output.StreamOf(streams.Out),
		messages:  output.Messages{Stream: output.StreamOf(streams.ErrOut)},
		flags:     connectionFlags(),
		version:   version,
		logFormat: logging.Text,
		display:   "portside",
	}
	s.out.Writer = out
	for _, o := range options {
		o(s)
	}
	root := s.root()
	root.SetOut(out)
	root.AddCommand(newSync(s), newDiff(s), newOwners(s), newHistory(s), newAdopt(s), newRelease(s),
		newCheck(s), newInstall(s), newRun(s), newVersion(s), newCompletion(s), newOptions(s))
	s.setUpHelp(root)
	s.completeConnectionFlags(root)
	return root
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "portside",
		Short: "Keep the adapter-* ports of workloads, and own nothing else of them",
		Long: `portside keeps the adapter-* ports of a StatefulSet, Deployment or DaemonSet
true to the protocol adapters it serves, through a server-side apply field
manager of its own. Everything else of the workload stays with whoever
declares it.`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: s.display},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return s.setUpLogging(cmd)
		},
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		SuggestionsMinimumDistance: 2, // as cobra's own message of an unknown command
	}
	root.SetIn(s.streams.In)
	root.SetErr(s.streams.ErrOut)
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	s.flags.AddFlags(flags)
	flags.Var(output.ChoiceOf(&s.logFormat, logging.Formats...), "log-format", "Format of the log on stderr")
	flags.IntVarP(&s.verbosity, "v", "v", 0, "How much to log to stderr: 0 nothing, 1 what portside does, 6 the requests too, up to 10")
	return root
}

// setUpLogging puts the logger into the context, where client-go and portside
// look for it.
func (s *session) setUpLogging(cmd *cobra.Command) error {
	log, err := logging.New(s.streams.ErrOut, s.logFormat, s.verbosity)
	if err != nil {
		return usageError(cmd, "%w", err)
	}
	if s.onLogger != nil {
		s.onLogger(log, s.verbosity)
	}
	cmd.SetContext(logr.NewContext(cmd.Context(), log))
	return nil
}

// Run runs the program until it ends or is interrupted, prints its error, and
// returns its exit code.
func Run(ctx context.Context, root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cmd, err := root.ExecuteContextC(ctx)
	if out, is := root.OutOrStdout().(*results); err == nil && is {
		err = out.err
	}
	if text := errorText(err); text != "" {
		output.Messages{Stream: output.StreamOf(root.ErrOrStderr())}.Error("%s", text)
	}
	return exitCode(cmd, err)
}

// results is where results go. It keeps the error of a write that nobody
// looked at, such as cobra's of help and of completion.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(text []byte) (int, error) {
	n, err := r.Writer.Write(text)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// flagError returns the error of flags that cannot be parsed. After an unknown
// command, its flags are unknown as well, and the command is the error.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(cmd, args)
	}
	return usageError(cmd, "%w", err)
}

// unknownCommand refuses arguments of the program itself, which are no command of
// its. It names the commands that are spelt alike.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	alike := ""
	if names := root.SuggestionsFor(args[0]); len(names) > 0 {
		alike = "\nDid you mean this? " + strings.Join(names, ", ")
	}
	return usageError(root, "unknown command %q for %q%s", args[0], root.CommandPath(), alike)
}

// noArguments refuses arguments where a command takes flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd, "unexpected arguments: %s", strings.Join(args, " "))
	}
	return nil
}

func usageError(cmd *cobra.Command, format string, args ...any) error {
	return fmt.Errorf(format+"\nSee '%s --help' for usage.", append(args, cmd.CommandPath())...)
}
