package portside

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// PeakMemory returns the most memory of the process that was in RAM, in bytes:
// VmHWM of status, see proc_pid_status(5).
func (s *Process) PeakMemory() (int64, error) { return s.procField("status", "VmHWM") }

// ResidentMemory returns the memory of the process that is in RAM, in bytes: Rss of
// smaps_rollup, see proc_pid_smaps(5).
func (s *Process) ResidentMemory() (int64, error) { return s.procField("smaps_rollup", "Rss") }

func (s *Process) procField(file, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID(), file))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), field+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("no %s in %s of process %d", field, file, s.PID())
}

// Scrape returns what /metrics answers. The process must have been started with
// --metrics-secure=false.
func (s *Process) Scrape(ctx context.Context) (string, error) {
	code, body, err := Get(ctx, "http://"+s.Metrics+"/metrics", "")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("/metrics answers %d: %s", code, body)
	}
	return body, err
}

// Metric returns the value of the first metric whose line in scraped text begins
// with a name and its labels, as name{label="value"}.
func Metric(text, name string) (value float64, found bool) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := fmt.Sscan(rest, &value)
			return value, n == 1
		}
	}
	return 0, false
}
