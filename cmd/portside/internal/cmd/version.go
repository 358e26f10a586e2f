package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newVersion(s *cli.Session) *cobra.Command {
	const text = printer.Format("text")
	format := text
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of portside",
		Args:              cli.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			version := cli.ReadVersion(s.Version)
			if format != text {
				return printer.WriteDocument(s.Out, format, version)
			}
			_, err := fmt.Fprintf(s.Out, "portside %s (%s, %s)\n", version.Version, version.GoVersion, version.Platform)
			return err
		},
	}
	cli.Choose(cmd, &format, "output", "o", "Output format", string(text), string(printer.JSON), string(printer.YAML))
	return cmd
}
