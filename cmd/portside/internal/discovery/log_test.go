package discovery_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestLog has the lines that are logged by default: one each when discovery begins
// to fail, fails for another reason, and recovers, however many polls there are in
// between.
func TestLog(t *testing.T) {
	good, html := serve(t, dittofs.Adapters("nfs:12049")), serve(t, dittofs.Body("<html>"))
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	synctest.Test(t, func(t *testing.T) {
		var (
			mu    sync.Mutex
			lines []string
		)
		log := funcr.New(func(_, line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}, funcr.Options{})
		s := newStage()
		ctx, stop := context.WithCancel(logr.NewContext(t.Context(), log))
		ended := make(chan error, 1)
		go func() { ended <- s.Start(ctx) }()
		synctest.Wait()
		s.finder.finds(good)
		s.Ask(files, question("uid"))
		s.next(t, files, 2)
		for _, fail := range []func(){
			func() { s.finder.finds(broken) },
			func() { s.finder.finds(broken, broken) }, // another message, the same reason
			func() { s.finder.finds(html) },
			func() { s.finder.finds() },
			func() { s.finder.finds(good) },
		} {
			fail()
			s.next(t, files, 3)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		const target = ` "target"="StatefulSet storage/files"`
		want := []string{
			`"level"=0 "msg"="discovery failed"` + target + ` "reason"="ServerError" "message"="0 of 1 ready pods answered; 1: the server failed (status 500)"`,
			`"level"=0 "msg"="discovery failed"` + target + ` "reason"="Malformed" "message"="0 of 1 ready pods answered; 1: `,
			`"level"=0 "msg"="discovery failed"` + target + ` "reason"="NoReadyPods" "message"="no pod is ready to be asked"`,
			`"level"=0 "msg"="discovery recovered"` + target + ` "active"=1`,
		}
		for i, line := range lines {
			if i >= len(want) || !strings.HasPrefix(line, want[i]) {
				t.Errorf("line %d is %s", i, line)
			}
		}
		if len(lines) != len(want) {
			t.Errorf("%d lines, not %d", len(lines), len(want))
		}
	})
}
