// Package loopback answers "what listens on this machine for a moment?". It starts HTTP servers on 127.0.0.1 for the
// demonstration and for tests.
package loopback

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// headerTimeout limits how long a client may take to send the headers of a request.
const headerTimeout = 10 * time.Second

// Servers are HTTP servers on loopback, in the order they were started. They are stopped together.
type Servers []*http.Server

// Start serves h on a free port of 127.0.0.1 until Stop and returns the server's URL, http://127.0.0.1:PORT.
func (s *Servers) Start(ctx context.Context, h http.Handler) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout}
	go func() { _ = server.Serve(l) }() // ends with Stop
	*s = append(*s, server)
	return "http://" + l.Addr().String(), nil
}

// Stop closes all servers and their connections, and returns all errors.
func (s *Servers) Stop() error {
	var all []error
	for _, server := range *s {
		all = append(all, server.Close())
	}
	return errors.Join(all...)
}

// Handler is an http.Handler that can be replaced while its server runs, so a server can listen before its handler
// knows its own address. It answers 503 until Set is called. Several goroutines may use it.
type Handler struct {
	mu sync.Mutex // guards h
	h  http.Handler
}

// Set makes h answer all later requests.
func (l *Handler) Set(h http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.h = h
}

// Current returns the present handler, or nil.
func (l *Handler) Current() http.Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.h
}

// ServeHTTP passes the request on to the current handler.
func (l *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := l.Current()
	if h == nil {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	h.ServeHTTP(w, r)
}

// Buffer is a bytes.Buffer that several goroutines may write and read.
type Buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

// Write appends p. It never fails.
func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns everything written so far.
func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Lines returns the number of lines written so far.
func (l *Buffer) Lines() int { return strings.Count(l.String(), "\n") }
