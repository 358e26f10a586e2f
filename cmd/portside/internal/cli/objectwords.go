package cli

import (
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/resource"
)

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
