package dittofs

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// Recording returns a body that a real server answered: to [AdaptersPath] both-running,
// smb-disabled, nfs-renumbered or smb-zero (an adapter whose port it lists as 0), to
// [PortsPath] ports-smb-zero, and to [SettingsPath] settings-nfs-portmapper.
func Recording(name string) (string, error) {
	if !strings.HasPrefix(name, "ports-") && !strings.HasPrefix(name, "settings-") {
		name = "adapters-" + name
	}
	path, err := testenv.ModuleFile("examples/dittofs/" + name + ".json")
	if err != nil {
		return "", err
	}
	body, err := os.ReadFile(path)
	return string(body), err
}

// Recorded answers a [Recording]. It panics if there is none of the name.
func Recorded(name string) http.HandlerFunc {
	body, err := Recording(name)
	if err != nil {
		panic(err)
	}
	return Body(body)
}

// Adapters answers with adapters that are enabled and running, such as
// "nfs:12049". It panics for anything else than TYPE:PORT.
func Adapters(adapters ...string) http.HandlerFunc {
	type adapter struct {
		Type    string `json:"type"`
		Port    int    `json:"port"`
		Enabled bool   `json:"enabled"`
		Running bool   `json:"running"`
	}
	list := []adapter{}
	for _, a := range adapters {
		name, digits, _ := strings.Cut(a, ":")
		port, err := strconv.Atoi(digits)
		if err != nil {
			panic(fmt.Sprintf("dittofs: adapter %q is not TYPE:PORT", a))
		}
		list = append(list, adapter{name, port, true, true})
	}
	body, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return Body(string(body))
}

// Body answers 200 with a body, which need not be JSON.
func Body(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// Status answers with a status code and no adapters.
func Status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(code), code) }
}

// Silent takes the request and never answers it.
func Silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Trickle answers one byte every ten milliseconds, without end.
func Trickle(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// Reset closes the connection with RST, as the kernel does for a process that was
// killed.
func Reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Truncated closes the connection before the answer is whole.
func Truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "[]")
	panic(http.ErrAbortHandler)
}
