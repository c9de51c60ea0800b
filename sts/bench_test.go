package sts_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRead is a project's page for a token that was seen before.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	h := with(bearer(w.token(w.dev)), "Accept", uvAccept)
	for b.Loop() {
		r := httptest.NewRequest("GET", project, nil)
		r.Header = h
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}

// BenchmarkReadNew is the same for a token that was not.
func BenchmarkReadNew(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		b.StopTimer()
		h := bearer(w.token(w.dev))
		b.StartTimer()
		r := httptest.NewRequest("GET", project, nil)
		r.Header = h
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}

// BenchmarkExchange trades an ID token: one signature is verified and one is made.
func BenchmarkExchange(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		b.StopTimer()
		body := tokenBody(w.idToken("pyx", nil))
		b.StartTimer()
		r := httptest.NewRequest("POST", publishPath, strings.NewReader(body))
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}
