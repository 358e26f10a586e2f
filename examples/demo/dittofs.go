package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// Who may ask DittoFS which adapters it has.
const (
	username    = "portside"
	password    = "tells-nobody"
	accessToken = "given-to-whom-logged-in"
)

// dittofs is the API of DittoFS in the pods of a namespace, as far as portside
// asks it. Every answer with adapters in it is a recording of a real server.
type dittofs struct {
	recordings string // the folder

	mu      sync.Mutex
	answer  []byte
	failing bool
	// slow has the next pod that starts answer once that none of its adapters
	// is running yet.
	slow bool
}

// answers has every pod answer a recording from now on.
func (d *dittofs) answers(recording string) error {
	body, err := os.ReadFile(filepath.Join(d.recordings, recording))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer, d.failing = body, false
	return nil
}

// fails has every pod answer 500 until it answers a recording again.
func (d *dittofs) fails() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = true
}

// startsSlowly has the next pod take its time.
func (d *dittofs) startsSlowly() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = true
}

// inPod is what answers in a pod.
func (d *dittofs) inPod(*corev1.Pod) http.Handler {
	d.mu.Lock()
	defer d.mu.Unlock()
	starting := d.slow
	d.slow = false
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/auth/login", login)
	mux.HandleFunc("GET /api/v1/adapters/ports", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			http.Error(w, "Authorization header required", http.StatusUnauthorized)
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		body := d.answer
		switch {
		case d.failing:
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		case starting:
			body = bytes.ReplaceAll(body, []byte(`"running":true`), []byte(`"running":false`))
			starting = false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // who asked may have gone
	})
	return mux
}

func login(w http.ResponseWriter, r *http.Request) {
	var who struct{ Username, Password string }
	if json.NewDecoder(r.Body).Decode(&who) != nil || who.Username != username || who.Password != password {
		http.Error(w, "Invalid credentials", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"token_type":"Bearer","expires_in":900}`, accessToken, accessToken)
}
