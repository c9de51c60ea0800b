package buildkit

import (
	"strings"
	"testing"

	"github.com/regpass/regpass/buildkit/secret"
)

func TestBarredNamesTheHost(t *testing.T) {
	sent := []secret.Delivery{{ID: "netrc", Host: "other.example"}, {ID: "HTTP_AUTH_TOKEN_pkgs.example", Host: "pkgs.example:8443"}}
	for _, test := range []struct {
		name, text string
		handed     []secret.Delivery
		host, hint string
	}{
		{"[2/3] ADD https://pkgs.example/x.tar /", "failed to load cache key: invalid response status 401", nil, "pkgs.example", "was sent no credential: name the registry at pkgs.example with --registry"},
		{"[2/3] ADD https://pkgs.example/x.tar /", "failed to load cache key: invalid response status 403", sent, "pkgs.example", "was sent the credential for pkgs.example"},
		{"[2/3] ADD https://other.example/x.tar /", "failed to load cache key: invalid response status 403", sent, "other.example", "was sent no credential"},
		{"[2/3] ADD https://u:p@pkgs.example:8443/x.tar /", "invalid response status 401", nil, "pkgs.example:8443", "no credential"},
		{"[2/3] ADD https://pkgs.example/x.tar /", "invalid response status 404", nil, "", ""},
		{"[2/3] ADD https://pkgs.example/app.git#main /", "git stderr:\nfatal: could not read Username for 'https://pkgs.example': terminal prompts disabled", nil, "pkgs.example", "no credential"},
		{"[1/1] ADD git@pkgs.example:app.git /", "git stderr:\nfatal: Authentication failed", nil, "", ""},
		{"exporting to image", "failed to push reg.example:5000/acme/app:1: unexpected status from HEAD request to http://reg.example:5000/v2/: 401 Unauthorized", nil, "reg.example:5000", "`docker login reg.example:5000`"},
		{"exporting to image", "failed to push reg.example/app:1: failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.example/token: 401 Unauthorized", nil, "reg.example", "docker login reg.example"},
		{"[internal] load metadata for docker.io/acme/app:1", "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed", nil, "docker.io", "docker login docker.io"},
		{"RUN curl https://pkgs.example/", `process "/bin/sh -c echo 401 Unauthorized; curl https://pkgs.example/" did not complete successfully: exit code: 22`, nil, "", ""},
	} {
		host, what, hint := barred(test.name, test.text, test.handed)
		if host != test.host || !strings.Contains(hint, test.hint) || (what == "") != (host == "") {
			t.Errorf("%s: %s:\n%q %q %q, want %q %q", test.name, test.text, host, what, hint, test.host, test.hint)
		}
	}
}
