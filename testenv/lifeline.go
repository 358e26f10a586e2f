package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lifeline ends the servers if this process ends without stopping them: a test that
// panics or times out does not clean up, and the servers, in process groups of
// their own, would run on.
//
// It is a FIFO that only this process holds open for writing. Each server runs
// under a shell that waits for the end of the FIFO, which comes when the kernel
// closes the files of this process, however it ends.
type lifeline struct {
	dir  string
	fifo *os.File
}

// guardScript is the shell. It passes the server's exit code on, and lets the
// server, which gets the group's SIGTERM too, end in its own time. It writes the
// server's process id to a file next to itself.
//
// It opens the FIFO before the server begins: opened after this process has ended, a FIFO
// has no writer, and opening it waits for one without end.
//
// If this process has ended the server is killed: kube-apiserver, asked to end after
// etcd has ended, waits for etcd without end.
const guardScript = `#!/bin/sh
trap : TERM
exec 3<%[2]s
%[1]s "$@" 3<&- &
server=$!
echo "$server" >"$0.pid"
(read -r _ <&3; kill -KILL "$server") &
guard=$!
exec 3<&-
wait "$server"
status=$?
while [ "$status" -gt 128 ] && kill -0 "$server" 2>/dev/null; do
	wait "$server"
	status=$?
done
kill "$guard" 2>/dev/null
exit "$status"
`

func newLifeline(dir string) (*lifeline, error) {
	path := filepath.Join(dir, "lifeline")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("cannot make the FIFO %s: %w", path, err)
	}
	// Opened for reading too, because opening a FIFO only for writing waits for a
	// reader.
	fifo, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &lifeline{dir: dir, fifo: fifo}, nil
}

// guard returns the path of a script that runs the binary while this process lives.
// The script has the binary's name, for error messages.
func (l *lifeline) guard(binary string) (string, error) {
	script := filepath.Join(l.dir, filepath.Base(binary))
	content := fmt.Sprintf(guardScript, shellQuoted(binary), shellQuoted(l.fifo.Name()))
	return script, os.WriteFile(script, []byte(content), 0o700)
}

// kill ends the server of a script with SIGKILL. The script then ends by itself.
func (l *lifeline) kill(binary string) error {
	pid, err := l.pid(binary)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// pid returns the process id of the server of a script.
func (l *lifeline) pid(binary string) (int, error) {
	content, err := os.ReadFile(filepath.Join(l.dir, binary+".pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}

func (l *lifeline) close() error {
	if err := l.fifo.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
