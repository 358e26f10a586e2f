package main

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestCleanStop stops a replica that does not lead and then the leader, five times.
func TestCleanStop(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	for range 5 {
		leader := f.startReplica("--log-format=json")
		leader.WaitLog(`"msg":"leading"`)
		standby := f.startReplica("--log-format=json")
		for _, r := range []replica{standby, leader} {
			if code := r.Terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			for line := range strings.Lines(r.Log.String()) {
				if !strings.Contains(line, `"level":"info"`) {
					t.Errorf("the log of a clean stop has %s", line)
				}
			}
		}
	}
}
