package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/session"
)

type tokenFormat struct {
	name, doc string
	print     func(w io.Writer, c regpass.Credential) error
}

// tokenFormats lists the formats in which token prints a credential.
var tokenFormats = []tokenFormat{
	{"raw", "the token and nothing else", func(w io.Writer, c regpass.Credential) error {
		_, err := fmt.Fprintln(w, c.Secret.Reveal())
		return err
	}},
	{"header", "an HTTP header line: Authorization: …", func(w io.Writer, c regpass.Credential) error {
		value := c.Authorization()
		if value == "" {
			return regpass.Usagef("a credential of kind %s is not sent in a header", c.Kind)
		}
		_, err := fmt.Fprintln(w, "Authorization: "+value)
		return err
	}},
	{"basic", "user name, if there is one, a colon and the token", func(w io.Writer, c regpass.Credential) error {
		if c.Username == "" && c.Kind != regpass.Basic {
			return regpass.Usagef("%s takes no user name", c.Host)
		}
		_, err := fmt.Fprintln(w, c.Username+":"+c.Secret.Reveal())
		return err
	}},
	{"json", "everything about the credential, as one JSON object", func(w io.Writer, c regpass.Credential) error {
		out := struct {
			Registry string     `json:"registry"`
			Host     string     `json:"host"`
			Kind     string     `json:"kind"`
			Username string     `json:"username,omitempty"`
			Token    string     `json:"token"`
			Session  string     `json:"session_token,omitempty"`
			Expires  *time.Time `json:"expires,omitempty"`
		}{c.Registry, c.Host, string(c.Kind), c.Username, c.Secret.Reveal(), c.SessionToken.Reveal(), nil}
		if !c.Expires.IsZero() {
			out.Expires = &c.Expires
		}
		return json.NewEncoder(w).Encode(out)
	}},
}

func tokenFormatName(row tokenFormat) string { return row.name }

func newToken(a *app) *cobra.Command {
	var credential credentialFlags
	var format string
	var docs []string
	for _, f := range tokenFormats {
		docs = append(docs, fmt.Sprintf("  %-8s %s", f.name, f.doc))
	}
	cmd := &cobra.Command{
		Use:   "token [REGISTRY]",
		Short: "Print one token, nothing else on standard output",
		Long: "Print one token for a registry, and nothing else on standard output. A token that was minted " +
			"is\nkept in the session, where later runs find it, until 'regpass logout'.\n\nFormats:\n" +
			strings.Join(docs, "\n"),
		Example: "  regpass token https://api.pyx.dev/simple/acme/main\n  regpass token prefix.dev --format header",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := regpass.Pick("format", format, tokenFormats, tokenFormatName)
			if err != nil {
				return err
			}
			ref, err := a.oneRegistry(args)
			if err != nil {
				return err
			}
			s := a.sessionOrWarn(cmd.Context(), credential.options.Timeout)
			b, err := credential.broker(cmd.Context(), a, s)
			if err != nil {
				return err
			}
			all, missing, err := credential.obtain(cmd.Context(), a, b, []regpass.Ref{ref})
			if err = errors.Join(missing, err); err != nil || len(all) == 0 {
				return err
			}
			if err := f.print(a.env.Stdout, all[0].Cred); err != nil {
				return fmt.Errorf("token: %w", err)
			}
			a.sayKept(s)
			return nil
		},
	}
	credential.add(a, cmd)
	credential.addUnavailable(cmd)
	names := regpass.Names(tokenFormats, tokenFormatName)
	cmd.Flags().StringVar(&format, "format", "raw", "print the token as `FORM`: "+strings.Join(names, ", "))
	complete(cmd, "format", names)
	addJSON(cmd, &format)
	return cmd
}

// sayKept says that a run has begun a session, which stays until somebody logs out. A CI job ends with a logout anyway,
// or its folder with the job.
func (a *app) sayKept(s *session.Session) {
	if s == nil || !s.Made() || a.inJob() {
		return
	}
	if all, err := s.Leases(); err == nil && len(all) > 0 {
		a.say.notef("the credential is kept in %s for later runs, until `regpass logout`", s.Dir)
	}
}

// sessionOrWarn starts the session for a command that can do without one.
func (a *app) sessionOrWarn(ctx context.Context, limit time.Duration) *session.Session {
	s, err := a.startSession(ctx, limit)
	if err != nil {
		a.say.Warn(fmt.Errorf("the credential is not kept for later steps: %w", err))
		return nil
	}
	return s
}
