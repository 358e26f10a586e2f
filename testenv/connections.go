package testenv

import (
	"context"
	"net"
	"sync"
)

// connections is the set of open connections on one side of a proxy. It can close
// them and refuse further ones. The zero value refuses none.
type connections struct {
	mu      sync.Mutex
	refuses bool
	open    map[net.Conn]struct{}
}

// admit adds a connection and returns it, or closes it and returns nil if
// connections are refused.
func (c *connections) admit(conn net.Conn) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuses {
		_ = conn.Close() // the caller only sees that it is refused
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
		_ = conn.Close() // its user sees that it is closed
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

// dial implements DialContext of http.Transport.
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

// closableListener is a listener that can close the connections it accepted and
// refuse further ones.
type closableListener struct {
	net.Listener
	connections
}

// Accept implements net.Listener.
func (l *closableListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.admit(conn); admitted != nil {
			return admitted, nil
		}
	}
}
