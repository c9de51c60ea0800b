package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/regpass/regpass"
)

// googleMetadataHost is the metadata server. Its name is written for its address: names can be answered by others.
const (
	googleMetadataHost = "169.254.169.254"
	googleMetadataName = "metadata.google.internal"
)

// googleMachine says who the machine is: whoever ran `gcloud auth application-default login` on it, otherwise its
// service account. That is the order of Google's libraries
// (https://cloud.google.com/docs/authentication/application-default-credentials).
func googleMachine(env *regpass.Env, _ Target) string {
	switch {
	case googleLogin(env) != "":
		return "gcloud's login"
	case env.Getenv("GCE_METADATA_HOST") != "":
	case strings.EqualFold(env.Getenv("NO_GCE_CHECK"), "true"),
		env.Machine == nil, !strings.Contains(env.Machine(), "Google"):
		return ""
	}
	return "the machine's service account"
}

// googleLogin is the file in which gcloud keeps the login for other programs, if there is one.
func googleLogin(env *regpass.Env) string {
	dir := env.Getenv("CLOUDSDK_CONFIG")
	switch {
	case dir != "":
		dir = env.Abs(dir)
	case runtime.GOOS == "windows" && env.Getenv("APPDATA") != "":
		dir = filepath.Join(env.Getenv("APPDATA"), "gcloud")
	case runtime.GOOS != "windows" && env.Home != "":
		dir = filepath.Join(env.Home, ".config", "gcloud")
	default:
		return ""
	}
	path := filepath.Join(dir, "application_default_credentials.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return path
}

// googleMachineToken gets a token of who googleMachine says.
func googleMachineToken(ctx context.Context, env *regpass.Env) (token, error) {
	path := googleLogin(env)
	if path == "" {
		return googleMetadata(ctx, env)
	}
	content, err := regpass.ReadPlain(path, maxGoogleFile)
	if err != nil {
		return token{}, fmt.Errorf("%s: %w", regpass.ShowPath(path), err)
	}
	f, err := parseGoogleFile(env, regpass.ShowPath(path), content)
	if err != nil {
		return token{}, err
	}
	return f.token(ctx, env)
}

// googleMetadata asks the metadata server.
//
//	GET http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token   Metadata-Flavor: Google
//	{"access_token": …, "expires_in": 3599}
//
// https://cloud.google.com/compute/docs/access/authenticate-workloads#applications
func googleMetadata(ctx context.Context, env *regpass.Env) (token, error) {
	host := env.Getenv("GCE_METADATA_HOST")
	if host == "" || host == googleMetadataName {
		host = googleMetadataHost
	}
	at, err := url.Parse("http://" + host)
	if err != nil || at.Host != host {
		return token{}, regpass.Usagef("GCE_METADATA_HOST is no host")
	}
	at = apiURL(at, "/computeMetadata/v1/instance/service-accounts/default/token")
	at.RawQuery = url.Values{"scopes": {googleScope}}.Encode()
	r := regpass.Request{Op: "google: ask for the machine's token", Method: http.MethodGet, URL: at,
		Header: http.Header{"Metadata-Flavor": {"Google"}}}
	answer, err := env.AskMetadata(ctx, r)
	if status(err) == http.StatusNotFound {
		return token{}, regpass.Hintf(err, "the machine has no service account")
	}
	if err != nil {
		return token{}, err
	}
	var got googleAnswer
	if err := json.Unmarshal(answer, &got); err != nil {
		return token{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected JSON", r.Op, len(answer))
	}
	return got.token(env, r.Op)
}
