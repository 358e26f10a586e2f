package httpapi

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// TestRequestConn reads nothing before the request is sent: net/http logs what a
// server sends before, which may be a secret.
func TestRequestConn(t *testing.T) {
	read := func(conn net.Conn) <-chan error {
		result := make(chan error, 1)
		go func() {
			_, err := conn.Read(make([]byte, 16))
			result <- err
		}()
		return result
	}
	waits := func(t *testing.T, result <-chan error) {
		t.Helper()
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("it was read: %v", err)
		default:
		}
	}
	t.Run("waits for the request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer server.Close()
			conn := newRequestConn(client)
			defer conn.Close()
			go func() {
				_, _ = io.WriteString(server, "220 ESMTP")
				_, _ = io.Copy(io.Discard, server)
			}()
			result := read(conn)
			waits(t, result)
			go func() { _, _ = conn.Write([]byte("GET")) }()
			if err := <-result; err != nil {
				t.Error(err)
			}
			if n := conn.received.Load(); n != 9 {
				t.Errorf("%d bytes were counted", n)
			}
		})
	})
	t.Run("ends when it is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer server.Close()
			conn := newRequestConn(client)
			result := read(conn)
			waits(t, result)
			_ = conn.Close()
			if err := <-result; !errors.Is(err, io.ErrClosedPipe) {
				t.Error(err)
			}
		})
	})
}
