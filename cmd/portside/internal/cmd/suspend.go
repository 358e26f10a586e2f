package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

func newSuspend(s *cli.Session) *cobra.Command {
	return newSetSuspend(s, true, &cobra.Command{
		Use:   "suspend adapterset/NAME...",
		Short: "Stop all writes to the target of an AdapterSet",
		Long: `Stop all writes of the service to the target and the Services of an AdapterSet,
by setting spec.suspend to true. The ports stay as they are, no pod restarts,
and the service still reports status.
` + suspendOwnership + `
An AdapterSet that is deleted while it is suspended leaves its ports owned by
portside: an event says how to give them up. Resume it before you delete it.
` + suspendCodes,
		Example: `  portside suspend adapterset/dittofs
  portside suspend adaptersets dittofs files -n storage
  portside suspend adaptersets --all -A --dry-run=server`,
	})
}
