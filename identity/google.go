package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// googleHost is the metadata server of a machine at Google. Its name, metadata.google.internal, is not used: whoever
// answers for names on this network would be asked.
const googleHost = "169.254.169.254"

// detectGoogle looks at what the firmware says, as Google's own libraries do. A maker's name alone is not enough:
// Google also makes laptops.
// https://docs.cloud.google.com/compute/docs/instances/detect-compute-engine
func detectGoogle(env *regpass.Env, _ string) bool {
	switch {
	case strings.EqualFold(env.Getenv("NO_GCE_CHECK"), "true"):
		return false
	case env.Getenv("GCE_METADATA_HOST") != "":
		return true
	case env.Machine == nil:
		return false
	}
	machine := env.Machine()
	return strings.Contains(machine, "Google Compute Engine") || strings.HasPrefix(machine, "Google Google")
}

// googleToken asks for a token of the machine's service account. A build of Cloud Build is such a machine, with the
// build's service account. format=full adds which machine it is, for policies that want to know.
//
//	GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=…&format=full   Metadata-Flavor: Google
//	the token as it is
//
// https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity
func googleToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if !detectGoogle(env, audience) {
		err := regpass.NoIdentityf("this is no machine of Google Cloud, as far as its firmware and its variables tell")
		return regpass.Secret{}, regpass.Hintf(err, "if it is one, set GCE_METADATA_HOST=%s and unset NO_GCE_CHECK",
			googleHost)
	}
	u, err := googleURL(env, audience)
	if err != nil {
		return regpass.Secret{}, err
	}
	request := regpass.Request{Op: "ask for an ID token", Method: http.MethodGet, URL: u, LinkLocal: true,
		Header: http.Header{"Metadata-Flavor": {"Google"}}}
	token, err := env.AskMetadata(ctx, request)
	var refused *regpass.HTTPError
	switch {
	case err == nil:
		return regpass.NewSecret(string(token)), nil
	case errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusForbidden):
		err = regpass.NoIdentityf("this machine has no service account whose ID tokens it may ask for: %v", err)
		return regpass.Secret{}, regpass.Hintf(err, "attach one:\n%s\non GKE, bind the pod's service account to it: %s",
			googleSetup(audience), "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity")
	}
	return regpass.Secret{}, regpass.Hintf(err,
		"the metadata server must be reachable from this container, and at an address of this machine or a link-local one; "+
			"NO_GCE_CHECK=true leaves Google's identity alone")
}

// googleURL is where the token for audience is. The token comes in clear, so only this machine, or an address that does
// not leave its network, is asked.
func googleURL(env *regpass.Env, audience string) (*url.URL, error) {
	host := env.Getenv("GCE_METADATA_HOST")
	if host == "" || host == "metadata.google.internal" {
		host = googleHost
	}
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host || u.Hostname() == "" {
		err := regpass.NoIdentityf("GCE_METADATA_HOST is not a host, with or without a port")
		return nil, regpass.Hintf(err, "unset it, or set it to %s", googleHost)
	}
	u.Path = "/computeMetadata/v1/instance/service-accounts/default/identity"
	u.RawQuery = url.Values{"audience": {audience}, "format": {"full"}}.Encode()
	return u, nil
}

func googleSetup(audience string) string {
	const format = "gcloud compute instances set-service-account MACHINE" +
		" --service-account NAME@PROJECT.iam.gserviceaccount.com  # regpass then asks the machine for ID tokens for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
