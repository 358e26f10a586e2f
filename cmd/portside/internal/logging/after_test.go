package logging_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/logging"
)

func TestQuietAfter(t *testing.T) {
	t.Parallel()
	failure := errors.New("timeout")
	for verbosity, want := range []string{
		0: "",
		1: `error before {"error": "timeout"}
error named {"lease": "portside", "error": "timeout"}
`,
		2: `error before {"error": "timeout"}
error named {"lease": "portside", "error": "timeout"}
info after {"attempt": 3, "error": "timeout"}
info named, after {"lease": "portside", "error": "timeout"}
`,
	} {
		var out strings.Builder
		log, err := logging.New(&out, logging.Text, verbosity)
		if err != nil {
			t.Fatal(err)
		}
		stopped := make(chan struct{})
		log = logging.QuietAfter(stopped, log).V(1)
		named := log.WithName("elector").WithValues("lease", "portside")
		log.Error(failure, "before")
		named.Error(failure, "named")
		close(stopped)
		log.Error(failure, "after", "attempt", 3)
		named.Error(failure, "named, after")
		if got := regexp.MustCompile(`(?m)^\S+ `).ReplaceAllString(out.String(), ""); got != want {
			t.Errorf("at verbosity %d the log is\n%swant\n%s", verbosity, got, want)
		}
	}
}
