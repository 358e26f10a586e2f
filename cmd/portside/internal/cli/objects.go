package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// checkWords returns an error for arguments other than KIND/NAME…, KIND NAME… or KIND, and
// whether they name objects.
func checkWords(args []string) (named bool, _ error) {
	const want = "give objects as KIND/NAME or KIND NAME, or all of a kind as KIND"
	if len(args) == 0 {
		return false, fmt.Errorf("required resource not specified: %s, or -f FILE", want)
	}
	withSlash := 0
	for _, arg := range args {
		kind, name, slash := strings.Cut(arg, "/")
		switch {
		case slash && name == "":
			return false, fmt.Errorf("the name is missing after %q: %s", kind, want)
		case kind == "", strings.Contains(name, "/"), slash && strings.Contains(kind, ","):
			return false, fmt.Errorf("cannot read %q: %s", strings.Join(args, " "), want)
		case slash:
			withSlash++
		}
	}
	if withSlash > 0 && withSlash < len(args) {
		return false, fmt.Errorf("cannot read %q: %s", strings.Join(args, " "), want)
	}
	return withSlash > 0 || len(args) > 1, nil
}

// words returns checked arguments as the resource builder reads them: KIND/NAME for each
// named object, so that categories are expanded for KIND alone.
func words(args []string) []string {
	var all []string
	if len(args) == 1 || strings.Contains(args[0], "/") {
		for _, arg := range args {
			kinds, name, slash := strings.Cut(arg, "/")
			kind := mapKinds(kinds)
			if slash {
				kind += "/" + name
			}
			all = append(all, kind)
		}
		return all
	}
	for _, kind := range resource.SplitResourceArgument(args[0]) {
		for _, name := range args[1:] {
			all = append(all, resourceWord(kind)+"/"+name)
		}
	}
	return all
}

// mapKinds returns a comma-separated list of kinds with the words of [resourceWord].
func mapKinds(list string) string {
	kinds := strings.Split(list, ",")
	for i := range kinds {
		kinds[i] = resourceWord(kinds[i])
	}
	return strings.Join(kinds, ",")
}

// Read reads the objects. The errors of single objects are printed where others could be
// read.
func (o *ObjectFlags) Read(s *Session, args []string) (*Objects, error) {
	if len(o.files) > 0 {
		return o.readFiles(s)
	}
	cluster, err := s.served()
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
	if all, is := err.(utilerrors.Aggregate); is { //nolint:errorlint // the builder returns it unwrapped
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
	status, is := err.(apierrors.APIStatus) //nolint:errorlint // the builder returns the server's error unwrapped
	if !is || !apierrors.IsNotFound(err) || status.Status().Details == nil || status.Status().Details.Name == "" {
		return Failed(CodeOf(err), "", err)
	}
	details := status.Status().Details
	kind, mapErr := mapper.KindFor(schema.GroupVersionResource{Group: details.Group, Resource: details.Kind})
	if mapErr != nil {
		return Failed(Refused, "", err)
	}
	mapping, mapErr := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if mapErr == nil && mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return Failed(Refused, "", fmt.Errorf("%s %s not found; check the name and the cluster (--context)", kind.Kind, details.Name))
	}
	return notFound(workload.Target{Kind: workload.Kind(kind.GroupKind()), Namespace: namespace, Name: details.Name})
}

// readFiles reads the objects of files. It sends no request.
func (o *ObjectFlags) readFiles(s *Session) (*Objects, error) {
	builder := resource.NewLocalBuilder().Unstructured().Local().Flatten()
	for _, file := range o.files {
		if file == manifest.Stdin {
			builder = builder.Stream(s.In, "stdin")
		} else {
			builder = builder.Path(o.recursive, file)
		}
	}
	infos, err := builder.Do().Infos()
	if err != nil {
		return nil, err
	}
	objects := &Objects{Single: len(infos) == 1, Named: true, AllNamespaces: true, FromFiles: true}
	if err := objects.add(infos); err != nil {
		return nil, err
	}
	objects.AllNamespaces = len(namespacesOf(objects.Items)) > 1
	return objects, objects.checkManagedFields(s, strings.Join(o.files, ", "))
}

func namespacesOf(objects []*unstructured.Unstructured) []string {
	var namespaces []string
	for _, o := range objects {
		if !slices.Contains(namespaces, o.GetNamespace()) {
			namespaces = append(namespaces, o.GetNamespace())
		}
	}
	return namespaces
}

// checkManagedFields returns an error where no object of the input has managedFields, as
// kubectl writes them by default, and a warning for each that has none where others have.
func (o *Objects) checkManagedFields(s *Session, input string) error {
	const advice = "kubectl leaves them out unless it is told to show them: kubectl get KIND NAME -o yaml --show-managed-fields"
	if len(o.Items) == 0 {
		return fmt.Errorf("no object in %s", strings.Replace(input, manifest.Stdin, "stdin", 1))
	}
	var without []*unstructured.Unstructured
	for _, object := range o.Items {
		if len(object.GetManagedFields()) == 0 {
			without = append(without, object)
		}
	}
	if len(without) == len(o.Items) {
		return fmt.Errorf("the input has no metadata.managedFields, so it does not say what owns its fields; %s", advice)
	}
	for _, object := range without {
		s.Messages.Warn("%s %s has no metadata.managedFields; %s", object.GetKind(), object.GetName(), advice)
	}
	return nil
}
