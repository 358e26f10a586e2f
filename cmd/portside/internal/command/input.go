package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/source"
)

// inputFlags say which AdapterSets a command is about.
type inputFlags struct {
	files     []string
	recursive bool
	adapters  string
}

func (i *inputFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&i.files, "filename", "f", nil, "File or directory with AdapterSets, or - for stdin")
	flags.BoolVarP(&i.recursive, "recursive", "R", false, "Process the directories used in -f recursively")
	flags.StringVar(&i.adapters, "adapters", "", "File with the JSON list of GET /api/v1/adapters, or - for stdin, in place of what the document says")
	mustComplete(cmd, "filename", cobra.FixedCompletions([]string{"json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
	mustComplete(cmd, "adapters", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt))
}

// ignoreNotFoundFlag adds --ignore-not-found, with kubectl's default.
func ignoreNotFoundFlag(cmd *cobra.Command, ignore *bool) {
	cmd.Flags().BoolVar(ignore, "ignore-not-found", false, "Skip a target that does not exist, with a warning, instead of exiting with 2")
}

// onlyFiles refuses arguments where a command takes files, and says how to name
// them.
func onlyFiles(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd, "unexpected argument %q; name files with -f: %s -f %s", args[0], cmd.CommandPath(), args[0])
	}
	return nil
}

// job is one AdapterSet to carry out.
type job struct {
	target workload.Target
	want   apply.Desired
	// inactive are the adapters that the source lists as disabled or stopped:
	// a port that is removed is reported with its adapter's type.
	inactive []apply.Adapter
	// suspended tells that the AdapterSet forbids every write.
	suspended bool
	// place says where the AdapterSet is, origin where its adapters are.
	place, origin string
}

// read reads and checks all of the input, before the server is asked anything.
func (i *inputFlags) read(cmd *cobra.Command, s *session) ([]job, error) {
	if err := i.check(cmd); err != nil {
		return nil, err
	}
	docs, err := v1alpha1.ReadFiles(i.files, i.recursive, s.streams.In)
	if err != nil {
		return nil, err
	}
	var listed []source.Listed
	if i.adapters != "" {
		if len(docs) > 1 {
			return nil, fmt.Errorf("--adapters is what one AdapterSet's workload serves, but there are %d AdapterSets, from %s to %s: give one",
				len(docs), docs[0], docs[len(docs)-1])
		}
		if listed, err = i.readAdapters(s); err != nil {
			return nil, err
		}
	}
	return i.jobs(s, docs, listed)
}

func (i *inputFlags) check(cmd *cobra.Command) error {
	if len(i.files) == 0 {
		return usageError(cmd, "must specify -f: a file or directory with AdapterSets, or -")
	}
	for _, file := range i.files {
		switch {
		case file == v1alpha1.Stdin && i.adapters == v1alpha1.Stdin:
			return usageError(cmd, "-f - and --adapters - cannot both read stdin: put one of them into a file")
		case strings.HasPrefix(file, "http://") || strings.HasPrefix(file, "https://"):
			return usageError(cmd, "-f %s: addresses are not read; download it and pipe it in with -f -", file)
		}
	}
	var missing []error
	for _, file := range i.files {
		if _, err := os.Stat(file); file != v1alpha1.Stdin && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, noPath(file))
		}
	}
	return errors.Join(missing...)
}

// noPath is what kubectl says of a file that is not there.
func noPath(path string) error { return fmt.Errorf("the path %q does not exist", path) }

func (i *inputFlags) readAdapters(s *session) ([]source.Listed, error) {
	if i.adapters == v1alpha1.Stdin {
		return source.ReadAdapters("stdin", s.streams.In)
	}
	file, err := os.Open(i.adapters)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--adapters: %w", noPath(i.adapters))
	case err != nil:
		return nil, fmt.Errorf("--adapters: %w", err)
	}
	defer file.Close()
	return source.ReadAdapters(i.adapters, file)
}

// jobs turns documents into what is to be done; listed replaces what the only
// document says of its adapters, where it is not nil.
func (i *inputFlags) jobs(s *session, docs []v1alpha1.Document, listed []source.Listed) ([]job, error) {
	namespace, asked, err := s.namespace()
	if err != nil {
		return nil, err
	}
	problems := []error{v1alpha1.CheckUnique(docs, namespace)}
	jobs := make([]job, 0, len(docs))
	for _, doc := range docs {
		j, err := jobOf(doc, namespace, asked)
		switch spec := &doc.Set.Spec; {
		case listed != nil:
			j.want.Adapters, j.inactive, j.origin = source.Active(listed), source.Inactive(listed), i.origin()
		case spec.Adapters == nil && spec.Discovery == nil && err == nil:
			err = fmt.Errorf("%s: spec: neither adapters nor discovery is set, as in a file that is truncated; write adapters: [] to remove every adapter port", doc)
		case spec.Discovery != nil && !j.suspended && err == nil:
			err = fmt.Errorf("%s: spec.discovery: a single pass asks no pods; give it the answer of GET %s with --adapters FILE|-",
				doc, spec.Discovery.HTTP.Path)
		}
		jobs, problems = append(jobs, j), append(problems, err)
	}
	return jobs, errors.Join(problems...)
}

func (i *inputFlags) origin() string {
	if i.adapters == v1alpha1.Stdin {
		return "stdin"
	}
	return i.adapters
}

func jobOf(doc v1alpha1.Document, namespace string, asked bool) (job, error) {
	set := &doc.Set
	switch {
	case set.Namespace == "":
	case asked && set.Namespace != namespace:
		return job{}, fmt.Errorf("%s: metadata.namespace: the namespace from the provided object %q does not match the namespace %q. You must pass '--namespace=%s' to perform this operation",
			doc, set.Namespace, namespace, set.Namespace)
	default:
		namespace = set.Namespace
	}
	j := job{
		target:    adapterset.Target(set),
		want:      adapterset.Desired(set, adapterset.Adapters(set)),
		suspended: set.Spec.Suspend,
		place:     doc.String(),
		origin:    doc.String(),
	}
	j.target.Namespace = namespace
	return j, nil
}
