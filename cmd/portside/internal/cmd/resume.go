package cmd

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
)

func newResume(s *cli.Session) *cobra.Command {
	return newSetSuspend(s, false, &cobra.Command{
		Use:   "resume adapterset/NAME...",
		Short: "Let the service write to the target of an AdapterSet again",
		Long: `Let the service write to the target and the Services of an AdapterSet again, by
removing spec.suspend. Changes that waited go out as spec.rollout says, which
may restart pods: portside diff -f FILE shows them.
` + suspendOwnership + suspendCodes,
		Example: `  portside resume adapterset/dittofs
  portside resume adaptersets -l team=files`,
	})
}
