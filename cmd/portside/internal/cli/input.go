package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/sources"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// InputFlags select the AdapterSets of a command.
type InputFlags struct {
	files          []string
	recursive      bool
	adapters       string
	ignoreNotFound bool
}

// Add adds -f, -R, --adapters and --ignore-not-found.
func (i *InputFlags) Add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&i.files, "filename", "f", nil, "File or directory with AdapterSets, or - for stdin")
	flags.BoolVarP(&i.recursive, "recursive", "R", false, "Process the directories used in -f recursively")
	flags.StringVar(&i.adapters, "adapters", "", "File with the JSON that the server answers, or - for stdin, in place of what the document says: the list of GET /api/v1/adapters, or what spec.discovery.http.expression maps to one")
	flags.BoolVar(&i.ignoreNotFound, "ignore-not-found", false, "Skip a target that does not exist, with a warning, instead of exiting with 2")
	MustComplete(cmd, "filename", cobra.FixedCompletions([]string{"json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
	MustComplete(cmd, "adapters", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt))
}

// Job is an AdapterSet to sync, in the namespace that it is for.
type Job struct {
	set *v1alpha1.AdapterSet
	// active are the active adapters, and inactive those that the source lists as
	// disabled or stopped: a port that is removed is reported with its adapter's type.
	// Both have their companions.
	active, inactive []apply.Adapter
	// ignoreNotFound means that a missing target is no failure.
	ignoreNotFound bool
	// place is where the AdapterSet is, origin where its adapters are.
	place, origin string
}

// NextRollout reports whether the service waits for a rollout that another manager
// causes. A command waits for nothing.
func (j Job) NextRollout() bool { return j.set.Spec.Rollout.Mode == v1alpha1.RolloutNext }

// Read reads and checks all of the input. It sends no request.
func (i *InputFlags) Read(cmd *cobra.Command, s *Session) ([]Job, error) {
	if err := i.check(cmd); err != nil {
		return nil, err
	}
	docs, err := manifest.ReadFiles(i.files, i.recursive, s.In)
	if err != nil {
		return nil, err
	}
	var listed []httpapi.Listed
	if i.adapters != "" {
		if len(docs) > 1 {
			return nil, fmt.Errorf("--adapters is what one AdapterSet's workload serves, but there are %d AdapterSets, from %s to %s: give one",
				len(docs), docs[0], docs[len(docs)-1])
		}
		if listed, err = i.readAdapters(cmd.Context(), s, docs); err != nil {
			return nil, err
		}
	}
	return i.jobs(s, docs, listed)
}

func (i *InputFlags) check(cmd *cobra.Command) error {
	if len(i.files) == 0 {
		return UsageError(cmd, "must specify -f: a file or directory with AdapterSets, or -")
	}
	for _, file := range i.files {
		switch {
		case file == manifest.Stdin && i.adapters == manifest.Stdin:
			return UsageError(cmd, "-f - and --adapters - cannot both read stdin: put one of them into a file")
		case strings.HasPrefix(file, "http://") || strings.HasPrefix(file, "https://"):
			return UsageError(cmd, "-f %s: addresses are not read; download it and pipe it in with -f -", file)
		}
	}
	var missing []error
	for _, file := range i.files {
		if _, err := os.Stat(file); file != manifest.Stdin && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, noPath(file))
		}
	}
	return errors.Join(missing...)
}

// noPath returns kubectl's error for a file that does not exist.
func noPath(path string) error { return fmt.Errorf("the path %q does not exist", path) }

// readAdapters reads --adapters: a list or, where the AdapterSet has an expression, the
// answer that it maps to one.
func (i *InputFlags) readAdapters(ctx context.Context, s *Session, docs []manifest.Document) ([]httpapi.Listed, error) {
	var program *expression.Program
	for _, doc := range docs {
		if d := doc.Set.Spec.Discovery; d != nil && d.HTTP != nil && d.HTTP.Expression != "" {
			var err error
			if program, err = expression.Compile(d.HTTP.Expression); err != nil {
				return nil, fmt.Errorf("%s: spec.discovery.http.expression: %w", doc, err)
			}
		}
	}
	if i.adapters == manifest.Stdin {
		return httpapi.ReadAdapters(ctx, "stdin", s.In, program)
	}
	file, err := os.Open(i.adapters)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--adapters: %w", noPath(i.adapters))
	case err != nil:
		return nil, fmt.Errorf("--adapters: %w", err)
	}
	defer file.Close()
	return httpapi.ReadAdapters(ctx, i.adapters, file, program)
}

// jobs returns the job of each document. Where listed is not nil, it replaces the
// adapters of the only document.
func (i *InputFlags) jobs(s *Session, docs []manifest.Document, listed []httpapi.Listed) ([]Job, error) {
	namespace, asked, err := s.Namespace()
	if err != nil {
		return nil, err
	}
	problems := []error{manifest.CheckUnique(docs, namespace)}
	jobs := make([]Job, 0, len(docs))
	for _, doc := range docs {
		j, err := jobOf(doc, namespace, asked)
		switch spec := &doc.Set.Spec; {
		case listed != nil:
			active, inactive := httpapi.Active(listed), httpapi.Inactive(listed)
			j.active, j.inactive, j.origin = adapterset.WithCompanions(&doc.Set, active), adapterset.WithCompanions(&doc.Set, inactive), i.origin()
		case spec.Adapters == nil && spec.Discovery == nil && err == nil:
			err = fmt.Errorf("%s: spec: neither adapters nor discovery is set, as in a file that is truncated; write adapters: [] to remove every adapter port", doc)
		case spec.Discovery != nil && !spec.Suspend && err == nil:
			err = discovers(doc)
		}
		j.ignoreNotFound = i.ignoreNotFound
		jobs, problems = append(jobs, j), append(problems, err)
	}
	return jobs, errors.Join(problems...)
}

// discovers returns the error of an AdapterSet whose source sync does not ask.
func discovers(doc manifest.Document) error {
	source, err := sources.All(sources.Options{}).Of(&doc.Set, false)
	if err != nil {
		return fmt.Errorf("%s: %w", doc, err)
	}
	return fmt.Errorf("%s: spec.discovery: sync asks no pods; give it the answer of %s with --adapters FILE|-", doc, source)
}

func (i *InputFlags) origin() string {
	if i.adapters == manifest.Stdin {
		return "stdin"
	}
	return i.adapters
}

func jobOf(doc manifest.Document, namespace string, asked bool) (Job, error) {
	set := doc.Set.DeepCopy()
	switch {
	case set.Namespace == "":
	case asked && set.Namespace != namespace:
		return Job{}, fmt.Errorf("%s: metadata.namespace: the namespace from the provided object %q does not match the namespace %q. You must pass '--namespace=%s' to perform this operation",
			doc, set.Namespace, namespace, set.Namespace)
	default:
		namespace = set.Namespace
	}
	set.Namespace = namespace
	return Job{set: set, active: adapterset.WithCompanions(set, adapterset.Adapters(set)), place: doc.String(), origin: doc.String()}, nil
}
