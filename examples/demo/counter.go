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

// counter counts on the way to the API server what portside sends to change the
// workload, and how much of it the server stores. Events are not counted.
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
			request.Header.Del("Accept-Encoding") // the proxy then unpacks what it asks to be packed
			if strings.Contains(request.Header.Get("Accept"), "protobuf") {
				request.Header.Set("Accept", "application/json") // clients take either; read takes this
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

// read looks for the resourceVersion in an answer: a write that was stored
// answers with another one than the look before it. That is exact as long as
// nobody else writes, so the demo waits for every rollout to end.
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
		return nil // discovery, a list: no answer about one object
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
