package testenv

import (
	"context"
	"net"
	"sync"
)

// connections are those that are open on one side of a proxy. They can be closed
// together, and more be refused. The zero value has none and refuses none.
type connections struct {
	mu      sync.Mutex
	refuses bool
	open    map[net.Conn]struct{}
}

// admit returns the connection as one of these, or nil where it is refused.
func (c *connections) admit(conn net.Conn) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuses {
		_ = conn.Close() // it is refused either way
		return nil
	}
	if c.open == nil {
		c.open = map[net.Conn]struct{}{}
	}
	c.open[conn] = struct{}{}
	return &connection{conn, c}
}

func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close() // whoever uses it sees that it is closed
	}
	clear(c.open)
}

func (c *connections) refuse(refuses bool) {
	c.mu.Lock()
	c.refuses = refuses
	c.mu.Unlock()
	if refuses {
		c.cut()
	}
}

// dial is an http.Transport's DialContext.
func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if admitted := c.admit(conn); admitted != nil {
		return admitted, nil
	}
	return nil, net.ErrClosed
}

type connection struct {
	net.Conn
	of *connections
}

func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// gate is a listener that can close the connections that it has accepted, and
// refuse more.
type gate struct {
	net.Listener
	connections
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
	}
}
