package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// listChunk is how many objects kubectl lists in one request.
const listChunk = 500

// ObjectFlags select objects of any kind: those that the arguments name, in the cluster,
// or those in files.
type ObjectFlags struct {
	files         []string
	recursive     bool
	selector      string
	allNamespaces bool
}

// Objects are the objects that a command reads.
type Objects struct {
	Items []*unstructured.Unstructured
	// Single is true where the arguments can name one object only.
	Single bool
	// Named is true where the arguments name each object.
	Named bool
	// AllNamespaces is true where the objects may be of several namespaces.
	AllNamespaces bool
	// FromFiles is true where the objects were not read from the cluster.
	FromFiles bool
	// Code is the exit code for the objects that could not be read, whose errors were
	// printed.
	Code int
}

// Add adds -f, -R, -l and -A.
func (o *ObjectFlags) Add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "File or directory with the objects, or - for stdin, in place of the cluster; it must have metadata.managedFields")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "Process the directories used in -f recursively")
	flags.StringVarP(&o.selector, "selector", "l", "", "Label selector of the objects of a kind")
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Read the objects of a kind in all namespaces")
	MustComplete(cmd, "filename", cobra.FixedCompletions([]string{"json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
	MustComplete(cmd, "selector", cobra.NoFileCompletions)
}

// Check returns an error for arguments and flags that do not fit together. It sends no
// request.
func (o *ObjectFlags) Check(cmd *cobra.Command, args []string) error {
	stdin := 0
	for _, file := range o.files {
		if file == manifest.Stdin {
			stdin++
		}
		if strings.HasPrefix(file, "http://") || strings.HasPrefix(file, "https://") {
			return UsageError(cmd, "-f %s: addresses are not read; download it and pipe it in with -f -", file)
		}
	}
	switch {
	case stdin > 1:
		return UsageError(cmd, "-f - is given twice, but stdin can be read only once")
	case len(o.files) > 0 && len(args) > 0:
		return UsageError(cmd, "-f shows the objects of files: leave out %q", strings.Join(args, " "))
	case len(o.files) > 0 && (o.selector != "" || o.allNamespaces):
		return UsageError(cmd, "-l and -A select objects of the cluster, and -f shows those of files")
	case len(o.files) > 0:
		return nil
	case o.recursive:
		return UsageError(cmd, "-R needs a directory in -f")
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return UsageError(cmd, "-l: %w", err)
	}
	named, err := checkWords(args)
	switch {
	case err != nil:
		return UsageError(cmd, "%w", err)
	case named && o.selector != "":
		return UsageError(cmd, "-l selects among the objects of a kind: leave out their names")
	case named && o.allNamespaces:
		return UsageError(cmd, "an object cannot be named across all namespaces: leave out -A, or the name")
	}
	return nil
}

// Read reads the objects. The errors of single objects are printed where others could be
// read.
func (o *ObjectFlags) Read(ctx context.Context, s *Session, args []string) (*Objects, error) {
	if len(o.files) > 0 {
		return o.readFiles(s)
	}
	cluster, err := s.served(ctx)
	if err != nil {
		return nil, err
	}
	namespace, _, err := s.Namespace()
	if err != nil {
		return nil, err
	}
	named, _ := checkWords(args)
	result := resource.NewBuilder(cluster).Unstructured().ContinueOnError().Flatten().RequestChunksOf(listChunk).
		NamespaceParam(namespace).DefaultNamespace().AllNamespaces(o.allNamespaces).LabelSelectorParam(o.selector).
		ResourceTypeOrNameArgs(true, words(args)...).Do()
	objects := &Objects{AllNamespaces: o.allNamespaces, Named: named}
	result.IntoSingleItemImplied(&objects.Single)
	infos, err := result.Infos()
	if err := objects.add(infos); err != nil {
		return nil, err
	}
	return objects, objects.explain(s, cluster.mapper, namespace, err)
}

// add appends what was read.
func (o *Objects) add(infos []*resource.Info) error {
	for _, info := range infos {
		object, is := info.Object.(*unstructured.Unstructured)
		if !is {
			return fmt.Errorf("%s is a %T, and no object", info.ObjectName(), info.Object)
		}
		o.Items = append(o.Items, object)
	}
	return nil
}

// explain returns the error of reading objects. Where others could be read it prints the
// errors instead.
func (o *Objects) explain(s *Session, mapper meta.RESTMapper, namespace string, err error) error {
	if err == nil {
		return nil
	}
	problems := []error{err}
	if all, is := errors.AsType[utilerrors.Aggregate](err); is {
		problems = utilerrors.Flatten(all).Errors()
	}
	for i := range problems {
		problems[i] = objectError(mapper, namespace, problems[i])
	}
	if len(problems) == 1 && len(o.Items) == 0 {
		return problems[0]
	}
	for _, problem := range problems {
		s.Messages.Error("%s", ErrorText(problem))
		o.Code = Worse(o.Code, exitCode(nil, problem))
	}
	if len(o.Items) == 0 {
		return Exit(o.Code)
	}
	return nil
}

// objectError returns the error of reading one object. For an object that does not exist
// it names the kind and the namespace.
func objectError(mapper meta.RESTMapper, namespace string, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsNotFound(err) || status.Status().Details == nil || status.Status().Details.Name == "" {
		return Failed(CodeOf(err), "", err)
	}
	details := status.Status().Details
	kind, mapErr := mapper.KindFor(schema.GroupVersionResource{Group: details.Group, Resource: details.Kind})
	if mapErr != nil {
		return Failed(Refused, "", err)
	}
	if kind.Kind == "Namespace" && details.Name == namespace { // it was asked for after the object was not found
		return Failed(Refused, "", fmt.Errorf("Namespace %s not found; check the namespace (-n) and the cluster (--context)", namespace))
	}
	mapping, mapErr := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if mapErr == nil && mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return Failed(Refused, "", fmt.Errorf("%s %s not found; check the name and the cluster (--context)", kind.Kind, details.Name))
	}
	return notFound(workload.Target{Kind: workload.Kind(kind.GroupKind()), Namespace: namespace, Name: details.Name})
}
