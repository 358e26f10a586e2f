// Package cli is the plumbing of portside's commands: the connection and its flags,
// the input, exit codes, the texts of errors, completion, help and logging.
//
// Results go to stdout; errors, warnings, notes and the log go to stderr. A
// command reads and checks all of its input before it sends a request. Where
// kubectl has a habit and the design says nothing, it is kubectl's.
package cli

import (
	"context"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/logging"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// Session is what the commands of one run share.
type Session struct {
	In io.Reader
	// Out takes results.
	Out      printer.Stream
	Messages printer.Messages
	// Version is that of the program, as the linker set it.
	Version string
	// Verbosity of the log.
	Verbosity int

	flags     *genericclioptions.ConfigFlags
	logFormat logging.Format
	onLogger  func(logr.Logger, int)
	// name of the program in texts: "portside" or "kubectl portside".
	name string
}

// Option changes the program.
type Option func(*Session)

// CalledAs takes the name that the program was called by: as a kubectl plugin its
// texts call it kubectl portside.
func CalledAs(name string) Option {
	return func(s *Session) {
		base := name[strings.LastIndexAny(name, `/\`)+1:]
		if strings.HasPrefix(base, "kubectl-") {
			s.name = "kubectl portside"
		}
	}
}

// OnLogger passes on the logger and the verbosity once the flags are parsed, for
// what is global to the process.
func OnLogger(use func(log logr.Logger, verbosity int)) Option {
	return func(s *Session) { s.onLogger = use }
}

// NewSession returns a session with kubectl's connection flags.
func NewSession(streams genericiooptions.IOStreams, version string, options ...Option) *Session {
	s := &Session{
		In:        streams.In,
		Out:       printer.StreamOf(streams.Out),
		Messages:  printer.Messages{Stream: printer.StreamOf(streams.ErrOut)},
		Version:   version,
		flags:     connectionFlags(),
		logFormat: logging.Text,
		name:      "portside",
	}
	s.Out.Writer = &results{Writer: streams.Out}
	for _, o := range options {
		o(s)
	}
	return s
}

// SetUp gives the program, which has its commands, the streams, flags, help and
// error handling that all commands share.
func (s *Session) SetUp(root *cobra.Command) {
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: s.name}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions = cobra.CompletionOptions{DisableDefaultCmd: true}
	root.Args = unknownCommand
	root.SuggestionsMinimumDistance = 2 // cobra's own default
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return s.SetUpLogging(cmd) }
	root.SetIn(s.In)
	root.SetOut(s.Out.Writer)
	root.SetErr(s.Messages.Writer)
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	s.flags.AddFlags(flags)
	flags.Var(printer.ChoiceOf(&s.logFormat, logging.Formats...), "log-format", "Format of the log on stderr")
	flags.IntVarP(&s.Verbosity, "v", "v", 0, "How much to log to stderr: 0 nothing, 1 what portside does, 6 the requests too, up to 10")
	s.completeConnectionFlags(root)
	s.setUpHelp(root)
}

// SetUpLogging puts the logger into the command's context, where client-go and
// portside read it.
func (s *Session) SetUpLogging(cmd *cobra.Command) error {
	log, err := logging.New(s.Messages.Writer, s.logFormat, s.Verbosity)
	if err != nil {
		return UsageError(cmd, "%w", err)
	}
	if s.onLogger != nil {
		s.onLogger(log, s.Verbosity)
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
	if text := ErrorText(err); text != "" {
		printer.Messages{Stream: printer.StreamOf(root.ErrOrStderr())}.Error("%s", text)
	}
	return exitCode(cmd, err)
}

// results is the writer of results. It keeps the error of a write that the writing
// code ignores, such as cobra's of help and of completion.
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
