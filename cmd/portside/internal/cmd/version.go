package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// versionReport is what version prints; see the flags of go version -m.
type versionReport struct {
	Version    string `json:"version"`
	Commit     string `json:"commit,omitempty"`
	CommitTime string `json:"commitTime,omitempty"`
	// Modified tells that the sources were not those of the commit.
	Modified  bool   `json:"modified,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func newVersion(s *session) *cobra.Command {
	const text = printer.Format("text")
	format := text
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of portside",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			report := readVersion(s.version)
			if format == text {
				_, err := fmt.Fprintf(s.out, "portside %s (%s, %s)\n", report.Version, report.GoVersion, report.Platform)
				return err
			}
			return printer.WriteDocument(s.out, format, report)
		},
	}
	choose(cmd, &format, "output", "o", "Output format", string(text), string(printer.JSON), string(printer.YAML))
	return cmd
}

// readVersion takes what the linker was told, or else what go install notes.
func readVersion(linked string) versionReport {
	report := versionReport{Version: linked, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return report
	}
	if report.Version == "" {
		report.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			report.Commit = setting.Value
		case "vcs.time":
			report.CommitTime = setting.Value
		case "vcs.modified":
			report.Modified = setting.Value == "true"
		}
	}
	return report
}
