//go:build speed

package e2e

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/regpass/regpass/internal/fake"
)

// TestCloudSpeed measures a cold token of each cloud against the vendor's own program or library, which get it from the
// same fakes through the same proxy. It prints a row for each and proves nothing. ./bench runs it, with REGPASS_PEERS a
// folder in which Python has awscli, google-auth and azure-identity, and REGPASS_PROGRAM the program.
func TestCloudSpeed(t *testing.T) {
	peers, program := os.Getenv("REGPASS_PEERS"), os.Getenv("REGPASS_PROGRAM")
	if peers == "" || program == "" {
		t.Fatal("REGPASS_PEERS and REGPASS_PROGRAM are not set; ./bench sets them")
	}
	c, err := newClouds(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(c)
	defer proxy.Close()
	dir := t.TempDir()
	authority, err := c.certificate("")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]})))
	issuer, err := fake.NewIssuer("RS256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = "https://token.actions.githubusercontent.com"
	token := func(audience string) string {
		signed, err := issuer.Sign(map[string]any{"aud": audience, "sub": "repo:acme/app:ref:refs/heads/main",
			"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()})
		if err != nil {
			t.Fatal(err)
		}
		return write("token-"+filepath.Base(audience), signed.Reveal())
	}
	base := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + ca,
		"AWS_CA_BUNDLE=" + ca, "REQUESTS_CA_BUNDLE=" + ca, "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ROLE_ARN=" + c.aws.Role,
		"AWS_EC2_METADATA_DISABLED=true"}
	python := filepath.Join(peers, "bin", "python")
	aws, google, azure := token("sts.amazonaws.com"), token("https://iam.googleapis.com/"+c.google.Provider),
		token("api://AzureADTokenExchange")
	adc := write("adc.json", fmt.Sprintf(`{"type":"external_account","audience":"//iam.googleapis.com/%s",`+
		`"subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token",`+
		`"credential_source":{"file":%q}}`, c.google.Provider, google))
	for _, test := range []struct {
		name       string
		env        []string
		peer, ours []string
	}{
		{"CodeArtifact, against `aws codeartifact get-authorization-token`",
			[]string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + aws, "REGPASS_ID_TOKEN_FILE=" + aws},
			[]string{filepath.Join(peers, "bin", "aws"), "codeartifact", "get-authorization-token", "--domain", "acme",
				"--domain-owner", "123456789012", "--duration-seconds", "3600"},
			[]string{"https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/"}},
		{"Artifact Registry, against google-auth", []string{"GOOGLE_APPLICATION_CREDENTIALS=" + adc},
			[]string{python, "-c", "import google.auth, google.auth.transport.requests as r\n" +
				"c, _ = google.auth.default(scopes=['https://www.googleapis.com/auth/cloud-platform'])\n" +
				"c.refresh(r.Request())\nprint(c.token)"},
			[]string{"https://europe-python.pkg.dev/acme-prod/main/simple/"}},
		{"Azure Artifacts, against azure-identity", []string{"REGPASS_ID_TOKEN_FILE=" + azure, "AZURE_CLIENT_ID=" +
			c.entra.Client, "AZURE_TENANT_ID=" + c.entra.Tenant, "AZURE_FEDERATED_TOKEN_FILE=" + azure},
			[]string{python, "-c", "from azure.identity import WorkloadIdentityCredential as W\n" +
				"print(W(disable_instance_discovery=True).get_token('499b84ac-1321-427f-aa17-267ca6975798/.default').token)"},
			[]string{"https://pkgs.dev.azure.com/acme/_packaging/main/pypi/simple/"}},
	} {
		ours := append([]string{program, "token"}, test.ours...)
		var took [2][]time.Duration
		for n := range 12 {
			for i, command := range [][]string{test.peer, ours} {
				run := exec.CommandContext(t.Context(), command[0], command[1:]...)
				session := t.TempDir() // cold
				run.Env = append(slices.Clone(base), append(test.env, "REGPASS_SESSION_DIR="+filepath.Join(session, "s"))...)
				began := time.Now()
				if out, err := run.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s\n%q %q %q", command[0], err, out, c.aws.Wrong(), c.google.Wrong(), c.unknownHosts())
				}
				if n > 1 {
					took[i] = append(took[i], time.Since(began))
				}
			}
		}
		var medians [2]float64
		for i := range took {
			slices.Sort(took[i])
			medians[i] = took[i][len(took[i])/2].Seconds() * 1000
		}
		t.Logf("| %s | %.0f ms | %.0f ms | %.3f |", test.name, medians[0], medians[1], medians[1]/medians[0])
	}
}
