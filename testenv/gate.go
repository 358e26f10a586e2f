package testenv

import (
	"net"
	"sync"
)

// gate is a listener that can close the connections that it has accepted, and
// refuse more.
type gate struct {
	net.Listener

	mu      sync.Mutex
	refuses bool
	open    map[net.Conn]struct{}
}

func newGate(listener net.Listener) *gate {
	return &gate{Listener: listener, open: map[net.Conn]struct{}{}}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := g.admit(conn); admitted != nil {
			return admitted, nil
		}
		_ = conn.Close() // it is refused either way
	}
}

// admit returns nil for a connection that is refused.
func (g *gate) admit(conn net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuses {
		return nil
	}
	g.open[conn] = struct{}{}
	return &gatedConn{conn, g}
}

func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.open {
		_ = conn.Close() // whoever uses it sees that it is closed
	}
	clear(g.open)
}

func (g *gate) refuse(refuses bool) {
	g.mu.Lock()
	g.refuses = refuses
	g.mu.Unlock()
	if refuses {
		g.cut()
	}
}

type gatedConn struct {
	net.Conn
	gate *gate
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.open, c.Conn)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
