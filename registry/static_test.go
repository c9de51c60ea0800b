package registry_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

func TestStatic(t *testing.T) {
	later := now().Add(time.Hour)
	token := signed(t, jwt.MapClaims{"exp": later.Unix()})
	for _, test := range []struct {
		ref   string
		proof registry.Proof
		want  regpass.Credential // without its secrets
	}{
		{"https://quetz.corp/acme", key(regpass.APIKey, "", "s"),
			regpass.Credential{Registry: "static", Host: "quetz.corp", Kind: regpass.Bearer}},
		{"https://nexus.corp/pypi", key(regpass.ReadyToken, "", token),
			regpass.Credential{Registry: "static", Host: "nexus.corp", Kind: regpass.Bearer, Expires: later}},
		{"https://quetz.corp:8443 kind=conda-token", key(regpass.APIKey, "", "s"),
			regpass.Credential{Registry: "static", Host: "quetz.corp:8443", Kind: regpass.CondaToken}},
		{"https://pypi.corp username=alice", key(regpass.APIKey, "", "pass wörd: \"'\\#"),
			regpass.Credential{Registry: "static", Host: "pypi.corp", Kind: regpass.Basic, Username: "alice"}},
		{"https://pypi.corp username=alice",
			registry.Proof{Method: regpass.APIKey, Username: "bob", Secret: regpass.NewSecret(" s ")},
			regpass.Credential{Registry: "static", Host: "pypi.corp", Kind: regpass.Basic, Username: "bob"}},
		{"https://pypi.corp kind=basic",
			registry.Proof{Method: regpass.APIKey, Username: "bob", Kind: regpass.Bearer, Secret: regpass.NewSecret("s")},
			regpass.Credential{Registry: "static", Host: "pypi.corp", Kind: regpass.Bearer, Username: "bob"}},
		{"https://conda.anaconda.org/acme", key(regpass.APIKey, "", "an-0123_4.5~6"),
			regpass.Credential{Registry: "anaconda.org", Host: "conda.anaconda.org", Kind: regpass.CondaToken}},
		{"https://conda.anaconda.org/acme kind=bearer", key(regpass.APIKey, "", "s"),
			regpass.Credential{Registry: "anaconda.org", Host: "conda.anaconda.org", Kind: regpass.Bearer}},
		{"https://conda.corp/acme type=anaconda.org", key(regpass.APIKey, "", "s"),
			regpass.Credential{Registry: "anaconda.org", Host: "conda.corp", Kind: regpass.CondaToken}},
		{"s3://bucket/channel", registry.Proof{Method: regpass.APIKey, Username: "AKIA0",
			Secret: regpass.NewSecret("a/b+c=")},
			regpass.Credential{Registry: "s3", Host: "s3://bucket/channel", Kind: regpass.S3, Username: "AKIA0"}},
		{"s3://bucket", registry.Proof{Method: regpass.APIKey, Username: "ASIA0", Secret: regpass.NewSecret("a"),
			SessionToken: regpass.NewSecret("t")},
			regpass.Credential{Registry: "s3", Host: "s3://bucket", Kind: regpass.S3, Username: "ASIA0"}},
	} {
		w := newFixture(http.NotFoundHandler())
		got, err := w.exchange(t.Context(), ref(t, test.ref), test.proof)
		if err != nil {
			t.Errorf("%s: %v", test.ref, err)
			continue
		}
		if got.Secret.Reveal() != test.proof.Secret.Reveal() ||
			got.SessionToken.Reveal() != test.proof.SessionToken.Reveal() {
			t.Errorf("%s: the secrets are not those that were given", test.ref)
		}
		if got.Registry != test.want.Registry || got.Host != test.want.Host || got.Kind != test.want.Kind ||
			got.Username != test.want.Username || !got.Expires.Equal(test.want.Expires) {
			t.Errorf("%s: got %+v, want %+v", test.ref, got, test.want)
		}
		if len(w.asked) > 0 {
			t.Errorf("%s: asked %v", test.ref, w.asked)
		}
	}
}

func TestStaticRefuses(t *testing.T) {
	const secret = "hunter2-and-more"
	user := func(name, password string) registry.Proof {
		return registry.Proof{Method: regpass.APIKey, From: "--password-stdin", Username: name,
			Secret: regpass.NewSecret(password)}
	}
	for _, test := range []struct {
		ref   string
		proof registry.Proof
		says  string
	}{
		{"https://pypi.corp", user("alice", ""), "the password is empty"},
		{"https://pypi.corp", user("alice", secret+"\n\n"), "line break"},
		{"https://pypi.corp", user("alice", secret+"\x00"), "control character"},
		{"https://pypi.corp", user("alice", secret+"\x7f"), "control character"},
		{"https://pypi.corp", user("alice", secret+"\u0085"), "control character"},
		{"https://pypi.corp", user("alice", secret+"\u2028"), "control character"},
		{"https://pypi.corp", user("alice", secret+"\u202e"), "control character"},
		{"https://pypi.corp", user("alice", secret+"\xff"), "UTF-8"},
		{"https://pypi.corp", user("alice", strings.Repeat(secret, 5000)), "80000 bytes"},
		{"https://pypi.corp", user("al:ice", secret), "colon"},
		{"https://pypi.corp", user("al\nice", secret), `"al\nice"`},
		{"https://pypi.corp kind=basic", key(regpass.APIKey, "KEY", secret), "username=NAME"},
		{"https://pypi.corp", key(regpass.APIKey, "KEY", secret+" x"), "printable ASCII without spaces"},
		{"https://pypi.corp kind=digest", key(regpass.APIKey, "KEY", secret), `unknown kind "digest"`},
		{"https://pypi.corp kind=s3", key(regpass.APIKey, "KEY", secret), "takes no key of kind"},
		{"s3://bucket kind=bearer", key(regpass.APIKey, "KEY", secret), "takes no key of kind"},
		{"s3://bucket", key(regpass.APIKey, "KEY", secret), "access key id"},
		{"s3://bucket", registry.Proof{Method: regpass.APIKey, Username: "AKIA0", Secret: regpass.NewSecret(secret),
			SessionToken: regpass.NewSecret("a b")}, "session token"},
		{"https://conda.anaconda.org/acme", key(regpass.APIKey, "KEY", secret+"/../x"), "part of a URL"},
		{"https://conda.anaconda.org/acme", key(regpass.APIKey, "KEY", ".."), "part of a URL"},
		{"https://conda.anaconda.org/acme", key(regpass.APIKey, "KEY", secret+"%2f"), "part of a URL"},
		{"https://pypi.corp", (&job{t: t}).proof(), `fixed-key: "https://pypi.corp/" takes no CI identity`},
		{"https://pypi.corp", registry.Proof{Method: regpass.Browser}, "takes no browser login"},
	} {
		cred, err := newFixture(http.NotFoundHandler()).exchange(t.Context(), ref(t, test.ref), test.proof)
		mustSay(t, err, test.says)
		mustHide(t, err, secret)
		if !cred.Secret.Empty() {
			t.Errorf("%s: there is a credential besides the error", test.ref)
		}
	}
}
