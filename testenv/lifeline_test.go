package testenv

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// lifelineDir names the variable with which the test binary, run as a child, holds
// a lifeline in a folder.
const lifelineDir = "PORTSIDE_TEST_LIFELINE"

func TestLifeline(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(lifelineDir); dir != "" {
		holdLifeline(t, dir)
	}
	dir := t.TempDir()
	// A reader of this FIFO reads its end once the server has ended.
	alive := filepath.Join(dir, "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	// Ignores SIGTERM, as kube-apiserver does without etcd.
	server := fmt.Sprintf("#!/bin/sh\ntrap '' TERM\nexec sleep 1000 >'%s'\n", alive)
	if err := os.WriteFile(filepath.Join(dir, "server"), []byte(server), 0o700); err != nil {
		t.Fatal(err)
	}
	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	holder.Env = append(os.Environ(), lifelineDir+"="+dir)
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	// Opening the FIFO waits for the server.
	running, err := os.Open(alive)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	if _, err := io.ReadAll(running); err != nil {
		t.Fatal(err)
	}
}

// holdLifeline runs the server on a lifeline until it is killed.
func holdLifeline(t *testing.T, dir string) {
	own := filepath.Join(dir, "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	line, err := newLifeline(own)
	if err != nil {
		t.Fatal(err)
	}
	path, err := line.guard(filepath.Join(dir, "server"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := startProcess(path, filepath.Join(own, "log"))
	if err != nil {
		t.Fatal(err)
	}
	<-server.exited
	runtime.KeepAlive(line) // a lifeline that is collected closes its FIFO
	t.Fatalf("the server ended by itself: %v", server.err)
}
