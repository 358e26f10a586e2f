package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

// CompleteLists offers the keyed lists of the first object that the arguments name.
func (s *Session) CompleteLists(flags *ObjectFlags) cobra.CompletionFunc {
	return among(func(cmd *cobra.Command, args []string) []string {
		*s.flags.Timeout = completionTimeout.String()
		if flags.Check(cmd, args) != nil || len(flags.files) > 0 {
			return nil
		}
		ctx, cancel := completionContext(cmd)
		defer cancel()
		objects, err := flags.Read(ctx, s, args)
		if err != nil || len(objects.Items) == 0 {
			return nil
		}
		tree, err := ownership.Of(objects.Items[0])
		if err != nil {
			return nil
		}
		var paths []string
		for _, path := range tree.KeyedLists() {
			paths = append(paths, strings.ReplaceAll(path, `"`, ""))
		}
		return paths
	})
}
