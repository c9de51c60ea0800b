package sts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits on a connection. Transfers of files have fileTimeout instead.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	maxHeader       = 96 << 10 // bytes: a token of regpass.MaxToken and the other headers
)

// Serve answers on ln until ctx ends, then waits up to ten seconds for running requests. It closes ln. With tls_cert it
// speaks TLS 1.2 or later.
func (s *Service) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		ErrorLog:          slog.NewLogLogger(s.audit, slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() {
		if s.cfg.TLSCert != "" {
			done <- server.ServeTLS(ln, s.cfg.TLSCert, s.cfg.TLSKey)
			return
		}
		done <- server.Serve(ln)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err = server.Shutdown(limit); err != nil {
			err = errors.Join(err, server.Close())
		}
		<-done
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("sts: serve: %w", err)
	}
	return nil
}
