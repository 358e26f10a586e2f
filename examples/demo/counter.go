package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// counter is a proxy to the API server that counts the writes of portside, and those
// that the server stores. It does not count events.
type counter struct {
	*testenv.Proxy

	mu     sync.Mutex
	last   string // the resourceVersion in the latest answer
	stored int
}

func startCounter(user *rest.Config) (*counter, error) {
	c := &counter{}
	proxy, err := testenv.NewProxy(user, testenv.ProxyHooks{
		OnRequest: func(request *http.Request) {
			request.Header.Del("Accept-Encoding") // the proxy then decompresses the answers that it asks for
			if strings.Contains(request.Header.Get("Accept"), "protobuf") {
				request.Header.Set("Accept", "application/json") // clients accept either; read needs JSON
			}
		},
		OnAnswer: c.read,
	})
	if err != nil {
		return nil, err
	}
	c.Proxy = proxy
	return c, nil
}

var isEvent = testenv.Is(testenv.VerbPost, "events")

// read reads the resourceVersion in an answer: the answer to a write that was stored has
// another one than the GET before it. That is exact while no other manager writes, so
// the demo waits for the end of every rollout.
func (c *counter) read(response *http.Response) error {
	if response.StatusCode >= http.StatusBadRequest || isEvent(response.Request) {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading the API server's answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	var object struct {
		Metadata struct {
			UID             string `json:"uid"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if json.Unmarshal(body, &object) != nil || object.Metadata.UID == "" {
		return nil // discovery or a list, not one object
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if response.Request.Method != http.MethodGet && c.last != object.Metadata.ResourceVersion {
		c.stored++
	}
	c.last = object.Metadata.ResourceVersion
	return nil
}

// take returns the writes sent and stored since the last call.
func (c *counter) take() (sent, stored int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, stored, c.stored = c.Writes()-c.CountOf(testenv.VerbPost, "events"), c.stored, 0
	c.Reset()
	return sent, stored
}
