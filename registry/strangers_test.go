package registry_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// strangers are registries of somebody else, by row, as a file of a checkout may name them, and the servers that may be
// asked then: the vendor's own. No server: it is refused.
var strangers = map[string]struct {
	ref   string
	vars  map[string]string
	asked []string
}{
	"pyx":        {ref: "https://api.pyx.dev/simple/evil/main", asked: []string{"https://api.pyx.dev/"}},
	"prefix.dev": {ref: "https://repo.prefix.dev/evil", asked: []string{"https://repo.prefix.dev/"}},
	"codeartifact": {ref: "https://acme-999999999999.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/",
		vars: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
		asked: []string{"https://sts.eu-west-1.amazonaws.com/",
			"https://codeartifact.eu-west-1.amazonaws.com/v1/authorization-token?"}},
	"ecr": {ref: "https://999999999999.dkr.ecr.eu-west-1.amazonaws.com",
		vars:  map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
		asked: []string{"https://sts.eu-west-1.amazonaws.com/", "https://api.ecr.eu-west-1.amazonaws.com/"}},
	"azure-artifacts": {ref: "https://pkgs.dev.azure.com/evil/_packaging/main/pypi/simple/",
		vars:  map[string]string{"AZURE_CLIENT_ID": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"},
		asked: []string{"https://pkgs.dev.azure.com/evil/", "https://login.microsoftonline.com/"}},
	"acr": {ref: "evilimages.azurecr.io", vars: map[string]string{
		"AZURE_CLIENT_ID": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
		"AZURE_TENANT_ID": "11111111-2222-4333-8444-555555555555"},
		asked: []string{"https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/",
			"https://evilimages.azurecr.io/oauth2/exchange"}},
	"google": {ref: "https://europe-python.pkg.dev/evil/main/simple/",
		vars:  map[string]string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": googleProvider},
		asked: []string{"https://sts.googleapis.com/"}},
	"jfrog": {ref: "https://evil.jfrog.io/artifactory/api/pypi/pypi/simple",
		vars: map[string]string{"JF_OIDC_PROVIDER_NAME": "ci", "JF_URL": "https://acme.jfrog.io"}},
	"cloudsmith": {ref: "https://dl.cloudsmith.io/basic/evil/main/python/simple/",
		vars: map[string]string{"CLOUDSMITH_SERVICE_SLUG": "ci"}, asked: []string{"https://api.cloudsmith.io/openid/evil/"}},
	"quay": {ref: "https://quay.io/evil/app", asked: []string{"https://quay.io/oauth2/federation/robot/token"}},
	"dockerhub": {ref: "https://docker.io/evil/app", vars: map[string]string{"DOCKERHUB_USERNAME": "acme",
		"DOCKERHUB_OIDC_CONNECTIONID": "11111111-2222-3333-4444-555555555555"},
		asked: []string{"https://identity.docker.com/"}},
	"buildkite": {ref: "https://packages.buildkite.com/evil/main/pypi/simple"}, // the identity is for that registry alone
	"chainguard": {ref: "https://cgr.dev/evil", vars: map[string]string{"CHAINGUARD_IDENTITY": "aaaaaaaa/bbbbbbbb"},
		asked: []string{"https://issuer.enforce.dev/"}},
	"octo-sts":       {ref: "https://ghcr.io/evil type=octo-sts scope=evil/x identity=ci"},
	"vault":          {ref: "https://pkgs.evil.example type=vault addr=https://vault.evil.example"},
	"token-exchange": {ref: "https://pkgs.evil.example type=token-exchange issuer=https://evil.example"},
	"jwt-bearer":     {ref: "https://pkgs.evil.example type=jwt-bearer issuer=https://evil.example"},
	"passthrough":    {ref: "https://pkgs.evil.example type=passthrough"},
	"pypi":           {ref: "https://upload.pypi.org/legacy/"},
	"crates":         {ref: "https://crates.io"},
	"npm":            {ref: "https://registry.npmjs.org"},
	"rubygems":       {ref: "https://rubygems.org"},
	"nuget":          {ref: "https://www.nuget.org/api/v2/package"},
}

// TestCheckoutNamesAStranger fails if a file of the checkout, by the account, tenant, feed or workspace that it names,
// has an identity shown to a server of somebody else's.
func TestCheckoutNamesAStranger(t *testing.T) {
	for _, row := range registry.All {
		stranger, ok := strangers[row.Name]
		if !ok && (row.OIDC || row.Exchanges) {
			t.Errorf("%s exchanges proofs, and strangers has no line for it", row.Name)
		}
		if !ok {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			j := &job{t: t}
			w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Host, "pkgs.dev.azure.com") { // as the stranger's tenant would
					w.Header().Set("X-Vss-Resourcetenant", "99999999-2222-4333-8444-555555555555")
					w.Header().Set("X-Vss-Authorizationendpoint", "https://evil.example/")
					if r.Header.Get("Authorization") != "" {
						t.Error("the feed was shown a proof")
					}
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				text(http.StatusForbidden, `{"issuer":"https://evil.example","token_endpoint":"https://evil.example/t"}`)(w, r)
			}))
			for name, value := range stranger.vars {
				w.vars[name] = value
			}
			r := ref(t, stranger.ref)
			r.Trusted, r.Origin = false, "pyproject.toml"
			_, err := w.exchange(t.Context(), r, j.proof())
			if stranger.asked == nil && row.Name != "buildkite" && err == nil {
				t.Error("there is a credential")
			}
			for _, asked := range w.asked {
				_, url, _ := strings.Cut(asked, " ")
				if !slices.ContainsFunc(stranger.asked, func(begin string) bool { return strings.HasPrefix(url, begin) }) {
					t.Errorf("asked %s", url)
				}
			}
			if len(stranger.asked) > 0 && len(w.asked) == 0 {
				t.Errorf("asked nobody: %v", err)
			}
		})
	}
}

// placeholders are the words in capitals that stand for a part of a host in Row.Hosts.
var placeholders = regexp.MustCompile(`[A-Z]{2,}`)

// sample are values for them.
var sample = map[string]string{"ACCOUNT": "123456789012", "DOMAIN": "acme", "REGION": "eu-west-1", "NAME": "acmeimages",
	"ORG": "acme", "TENANT": "acme", "LOCATION": "europe-west1", "FORMAT": "docker", "BUCKET": "acme-channel"}

// TestHostsAreClaimedOnce fails if two rows take one of the hosts that help lists, in any spelling: which one is first
// in All would decide who gets the proof.
func TestHostsAreClaimedOnce(t *testing.T) {
	tried := 0
	for _, row := range registry.All {
		for _, host := range row.Hosts {
			if strings.ContainsAny(host, " {") {
				continue // it is described
			}
			host = strings.ReplaceAll(host, "*", "sub")
			host = placeholders.ReplaceAllStringFunc(host, func(word string) string { return sample[word] })
			scheme := "https://"
			if strings.Contains(host, "://") {
				scheme = ""
			}
			for _, spelled := range []string{host, strings.ToUpper(host)} {
				if scheme == "" && spelled != host {
					continue
				}
				tried++
				r := ref(t, scheme+spelled)
				var by []string
				for _, other := range registry.All {
					if other.Name != registry.Static && other.Match(newFixture(nil).Env, r) {
						by = append(by, other.Name)
					}
				}
				if len(by) > 1 || len(by) == 1 && by[0] != row.Name {
					t.Errorf("%s, a host of %s, is claimed by %v", r, row.Name, by)
				}
			}
			if scheme == "" {
				continue
			}
			// Spellings that lead to another server, or may.
			name, path, _ := strings.Cut(host, "/")
			for _, other := range []string{name + ":8443/" + path, name + ".evil.example/" + path, "evil-" + name + ".x/" + path,
				name + "./" + path, "evil.example/" + name + "/" + path} {
				parsed, err := regpass.ParseRef(scheme + other)
				if err != nil {
					continue
				}
				for _, claims := range registry.All {
					if claims.Name != registry.Static && claims.Match(newFixture(nil).Env, parsed) {
						t.Errorf("%s claims %s", claims.Name, parsed)
					}
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("tried %d hosts only", tried)
	}
}
