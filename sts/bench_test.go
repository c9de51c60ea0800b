package sts_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRead is a project's page for a token that was seen before.
func BenchmarkRead(b *testing.B) {
	fx := newFixture(b)
	h := with(bearer(fx.token(fx.dev)), "Accept", uvAccept)
	for b.Loop() {
		r := httptest.NewRequest("GET", project, nil)
		r.Header = h
		rec := httptest.NewRecorder()
		fx.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}

// BenchmarkReadNew is the same for a token that was not.
func BenchmarkReadNew(b *testing.B) {
	fx := newFixture(b)
	for b.Loop() {
		b.StopTimer()
		h := bearer(fx.token(fx.dev))
		b.StartTimer()
		r := httptest.NewRequest("GET", project, nil)
		r.Header = h
		rec := httptest.NewRecorder()
		fx.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}

// BenchmarkExchange trades an ID token: one signature is verified and one is made.
func BenchmarkExchange(b *testing.B) {
	fx := newFixture(b)
	for b.Loop() {
		b.StopTimer()
		body := tokenBody(fx.idToken(audience, nil))
		b.StartTimer()
		r := httptest.NewRequest("POST", publishPath, strings.NewReader(body))
		rec := httptest.NewRecorder()
		fx.handler.ServeHTTP(rec, r)
		if rec.Code != 200 {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}
