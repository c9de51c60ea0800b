package sts

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

// maxAudit is the longest value from outside that is recorded, in bytes.
const maxAudit = 256

// decision is the outcome of one request: one line of audit. It has no field for a token, a key or a path.
type decision struct {
	endpoint    string // name of the route
	status      int
	remote      string // address and port of the peer
	subject     string // of the credential: key:NAME or trust:NAME
	issuer      string // named by an ID token
	actor       string // subject of a verified ID token
	policy      string // name of the trust policy that matched
	workspace   string
	index       string
	object      string // name of a package file
	permissions []Permission
	jti         string // of the token presented or issued
	reason      string // why it was refused, or a note on a success
}

// record writes d as one line of JSON. Refusals are warnings.
func record(ctx context.Context, h slog.Handler, now time.Time, d decision) {
	verdict, level := "allow", slog.LevelInfo
	if d.status >= 400 {
		verdict, level = "deny", slog.LevelWarn
	}
	r := slog.NewRecord(now.UTC(), level, "decision", 0)
	r.AddAttrs(slog.String("decision", verdict), slog.String("endpoint", d.endpoint), slog.Int("status", d.status),
		slog.String("remote", clip(d.remote)))
	for _, a := range []struct{ key, value string }{
		{"subject", d.subject}, {"issuer", d.issuer}, {"actor", d.actor}, {"policy", d.policy},
		{"workspace", d.workspace}, {"index", d.index}, {"object", d.object}, {"jti", d.jti}, {"reason", d.reason},
	} {
		if a.value != "" {
			r.AddAttrs(slog.String(a.key, clip(a.value)))
		}
	}
	if len(d.permissions) > 0 {
		r.AddAttrs(slog.Any("permissions", d.permissions))
	}
	_ = h.Handle(ctx, r) // nobody could be told of the error
}

// clip cuts text to maxAudit bytes.
func clip(text string) string {
	if len(text) <= maxAudit {
		return text
	}
	return strings.ToValidUTF8(text[:maxAudit], "") + "…"
}
