package envsync

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// handOver is an entry for a REGISTRY as one writes it.
func handOver(tb testing.TB, ref string, kind regpass.Kind, username, secret string) Entry {
	tb.Helper()
	r, c := testenv.Credential(tb, ref, kind, username, secret)
	return Entry{Ref: r, Cred: c}
}

func TestPlanVars(t *testing.T) {
	client := func(name string, e Entry) Entry { e.ClientVar = name; return e }
	s3 := handOver(t, "s3://bucket/ch", regpass.S3, "AKIA", "key")
	session := s3
	session.Cred.SessionToken = regpass.NewSecret("sess")
	for _, tt := range []struct {
		name    string
		entries []Entry
		vars    string // NAME=value, secrets in braces
		warning string
	}{
		{"pyx", []Entry{client("PYX_AUTH_TOKEN", handOver(t, "pyx.dev", regpass.Bearer, "__token__", "jwt"))},
			"PYX_AUTH_TOKEN={jwt}", ""},
		{"pyx with a named index", []Entry{client("PYX_AUTH_TOKEN",
			handOver(t, "pyx.dev name=acme-main", regpass.Bearer, "__token__", "jwt"))},
			"PYX_AUTH_TOKEN={jwt} UV_INDEX_ACME_MAIN_USERNAME=__token__ UV_INDEX_ACME_MAIN_PASSWORD={jwt}", ""},
		{"named index", []Entry{handOver(t, "https://h.test/simple name=a.B_1", regpass.Basic, "u", "p")},
			"UV_INDEX_A_B_1_USERNAME=u UV_INDEX_A_B_1_PASSWORD={p}", ""},
		{"named index, bearer only", []Entry{handOver(t, "https://h.test/simple name=a", regpass.Bearer, "", "t")},
			"REGPASS_TOKEN={t}",
			"uv cannot use UV_INDEX_* for https://h.test/simple, since its bearer credential has no user name"},
		{"prefix.dev", []Entry{client("PREFIX_API_KEY", handOver(t, "prefix.dev", regpass.Bearer, "", "pfx"))},
			"PREFIX_API_KEY={pfx}", "only to upload"},
		{"anything else", []Entry{handOver(t, "h.test", regpass.Bearer, "u", "t")}, "REGPASS_TOKEN={t}", ""},
		{"Basic", []Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}, "REGPASS_TOKEN={p} REGPASS_USERNAME=u", ""},
		{"Basic without user name", []Entry{handOver(t, "h.test", regpass.Basic, "", "p")}, "REGPASS_TOKEN={p}", ""},
		{"s3", []Entry{s3}, "AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY={key}", "AWS_SESSION_TOKEN is set already"},
		{"s3 session", []Entry{session}, "AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY={key} AWS_SESSION_TOKEN={sess}", ""},
		{"one credential twice", []Entry{handOver(t, "h.test/a", regpass.Bearer, "", "t"),
			handOver(t, "h.test/b", regpass.Bearer, "", "t")}, "REGPASS_TOKEN={t}", ""},
		{"two indexes", []Entry{handOver(t, "h.test name=a", regpass.Basic, "u", "p"),
			handOver(t, "h.test name=b", regpass.Basic, "u", "q")},
			"UV_INDEX_A_USERNAME=u UV_INDEX_A_PASSWORD={p} UV_INDEX_B_USERNAME=u UV_INDEX_B_PASSWORD={q}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := PlanVars(testenv.New(t, map[string]string{"AWS_SESSION_TOKEN": "other"}), Private{}, tt.entries, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range p.Vars {
				if v.Secret.Empty() == (v.Plain == "") {
					t.Errorf("%s has not exactly one value", v.Name)
				}
				value := v.Plain
				if !v.Secret.Empty() {
					value = "{" + v.Secret.Reveal() + "}"
				}
				got = append(got, v.Name+"="+value)
			}
			if strings.Join(got, " ") != tt.vars {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), tt.vars)
			}
			if warned := strings.Join(p.Warnings, "\n"); !strings.Contains(warned, tt.warning) ||
				(warned == "") != (tt.warning == "") {
				t.Errorf("warned %q, not %q", warned, tt.warning)
			}
			if len(p.Changes) != 0 {
				t.Errorf("changes %v", p.Changes)
			}
		})
	}
}

func TestPlanVarsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		a, b  Entry
		parts []string
	}{
		{"one variable, two values", handOver(t, "a.test", regpass.Bearer, "", "s3cr3t"),
			handOver(t, "b.test", regpass.Bearer, "", "t"), []string{"a.test and b.test would both set REGPASS_TOKEN"}},
		{"one variable, two names", handOver(t, "a.test name=x-y", regpass.Basic, "u", "s3cr3t"),
			handOver(t, "b.test name=x_y", regpass.Basic, "u", "t"), []string{"UV_INDEX_X_Y_PASSWORD"}},
		{"two users", handOver(t, "a.test name=x", regpass.Basic, "u", "s3cr3t"),
			handOver(t, "b.test name=x", regpass.Basic, "v", "s3cr3t"), []string{"UV_INDEX_X_USERNAME"}},
		{"bad name", handOver(t, "a.test name=x/y", regpass.Basic, "u", "s3cr3t"), Entry{},
			[]string{"the index name \"x/y\""}},
		{"empty name", handOver(t, "a.test name=", regpass.Basic, "u", "s3cr3t"), Entry{}, []string{"the index name \"\""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := PlanVars(testenv.New(t, nil), Private{}, []Entry{tt.a, tt.b}, Options{})
			testenv.WantError(t, err, "s3cr3t", tt.parts...)
			if !errors.Is(err, regpass.ErrUsage) {
				t.Error("not a usage error")
			}
		})
	}
	_, err := PlanVars(testenv.New(t, nil), Private{}, []Entry{handOver(t, "a.test", regpass.Bearer, "", "")}, Options{})
	testenv.WantError(t, err, "", "the credential for a.test is empty")
}
