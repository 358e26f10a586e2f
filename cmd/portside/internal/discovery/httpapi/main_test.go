package httpapi_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks after all tests that no goroutine is left, and that nothing was
// logged: net/http logs what a server sends before a request.
func TestMain(m *testing.M) { goleak.VerifyTestMain(quiet{m}) }

type quiet struct{ *testing.M }

func (q quiet) Run() int {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	code := q.M.Run()
	if logged.Len() > 0 {
		fmt.Fprintf(os.Stderr, "FAIL: logged %s\n", &logged)
		return 1
	}
	return code
}
