package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/request"
)

// AdapterSetFlags choose stored AdapterSets, as those of kubectl choose objects.
type AdapterSetFlags struct {
	selector           string
	all, allNamespaces bool
}

// Add adds -l, --all and -A.
func (f *AdapterSetFlags) Add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.selector, "selector", "l", "", "Choose AdapterSets by their labels, such as team=files")
	cmd.Flags().BoolVar(&f.all, "all", false, "Choose all AdapterSets of the namespace")
	cmd.Flags().BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "Choose those of all namespaces, with --all or --selector")
}

// Args refuses arguments that choose no AdapterSets, or choose them in two ways.
func (f *AdapterSetFlags) Args(cmd *cobra.Command, args []string) error {
	if _, err := f.parse(args); err != nil {
		return UsageError(cmd, "%w", err)
	}
	return nil
}

const wantAdapterSets = "give adapterset/NAME, or adapterset NAME, or choose by --selector or --all"

// parse returns the names among the arguments, and checks them against the flags.
func (f *AdapterSetFlags) parse(args []string) (names []string, err error) {
	if names, err = adapterSetNames(args); err != nil {
		return nil, err
	}
	if _, err := labels.Parse(f.selector); err != nil {
		return nil, fmt.Errorf("--selector: %w", err)
	}
	chosen := f.all || f.selector != ""
	switch {
	case f.all && f.selector != "":
		return nil, errors.New("--all and --selector exclude each other")
	case chosen && len(names) > 0:
		return nil, errors.New("names cannot be given with --all or --selector")
	case !chosen && len(names) == 0:
		return nil, fmt.Errorf("no AdapterSet is chosen: %s", wantAdapterSets)
	case !chosen && f.allNamespaces:
		return nil, errors.New("an AdapterSet cannot be named across all namespaces: give -n, or --all or --selector with -A")
	}
	return names, nil
}

// adapterSetNames returns the names among the arguments: NAME after a word for
// AdapterSets, or after that word and a slash.
func adapterSetNames(args []string) (names []string, err error) {
	if len(args) > 0 && !strings.Contains(args[0], "/") {
		if !isAdapterSet(args[0]) {
			return nil, fmt.Errorf("resource type %q is not known: %s", args[0], wantAdapterSets)
		}
		for _, name := range args[1:] {
			if name == "" || strings.Contains(name, "/") {
				return nil, fmt.Errorf("cannot read %q after %q: %s", name, args[0], wantAdapterSets)
			}
		}
		return args[1:], nil
	}
	for _, arg := range args {
		word, name, _ := strings.Cut(arg, "/")
		if !isAdapterSet(word) || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("cannot read %q: %s", arg, wantAdapterSets)
		}
		names = append(names, name)
	}
	return names, nil
}

// isAdapterSet reports whether kubectl takes the word for AdapterSets.
func isAdapterSet(word string) bool {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	return slices.Contains([]string{"adapterset", "adaptersets", "aset"}, name) &&
		(!qualified || group == v1alpha1.GroupVersion.Group || group == v1alpha1.GroupVersion.Version+"."+v1alpha1.GroupVersion.Group)
}

// AdapterSetName returns an AdapterSet as kubectl prints it.
func AdapterSetName(name string) string {
	return "adapterset." + v1alpha1.GroupVersion.Group + "/" + name
}

// EachAdapterSet calls do for each of the AdapterSets that are chosen, and prints the
// errors. An AdapterSet that is named must exist. It returns the exit code, and an error
// if the rest was not tried.
func (s *Session) EachAdapterSet(cmd *cobra.Command, f *AdapterSetFlags, client *request.Client, args []string, do func(*v1alpha1.AdapterSet) error) (code int, _ error) {
	namespace, _, err := s.Namespace()
	if err != nil {
		return Unusable, err
	}
	names, err := f.parse(args)
	if err != nil {
		return Unusable, err
	}
	if f.allNamespaces {
		namespace = ""
	}
	var sets []*v1alpha1.AdapterSet
	for _, name := range names {
		set, err := client.Get(cmd.Context(), namespace, name)
		switch {
		case apierrors.IsNotFound(err):
			s.Messages.Error("%s not found; check the name, the namespace (-n) and the cluster (--context)", AdapterSetName(name))
			code = Refused
		case err != nil:
			return CodeOf(err), err
		default:
			sets = append(sets, set)
		}
	}
	if len(names) == 0 {
		if sets, err = client.List(cmd.Context(), namespace, f.selector); err != nil {
			return CodeOf(err), err
		}
		if len(sets) == 0 {
			s.Messages.Note("no AdapterSets found")
		}
	}
	for _, set := range sets {
		if err := do(set); err != nil {
			if IsDisconnected(err) {
				return Unusable, err
			}
			s.Messages.Error("%s: %s", AdapterSetName(set.Name), ErrorText(err))
			code = Worse(code, CodeOf(err))
		}
	}
	return code, nil
}

// CompleteAdapterSets offers the AdapterSets of the namespace in use, as NAME after a word
// for them, and else as adapterset/NAME.
func (s *Session) CompleteAdapterSets(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	const noFiles = cobra.ShellCompDirectiveNoFileComp
	word, _, slash := strings.Cut(toComplete, "/")
	prefix := ""
	switch {
	case len(args) > 0 && isAdapterSet(args[0]):
	case slash && isAdapterSet(word):
		prefix = word + "/"
	case slash:
		return nil, noFiles
	default:
		return withPrefix([]string{"adapterset/"}, toComplete), noFiles | cobra.ShellCompDirectiveNoSpace
	}
	namespace, _, err := s.Namespace()
	if err != nil {
		return nil, noFiles
	}
	var names []string
	for _, name := range s.names(cmd, request.Resource, namespace) {
		names = append(names, prefix+name)
	}
	return withPrefix(names, toComplete), noFiles
}
