package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// hcpToken reads the token that HCP Terraform made when the run's phase began: the one whose tag is the audience in
// capitals, otherwise the one without a tag. No service gives out another one.
// https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
func hcpToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	const untagged = "TFC_WORKLOAD_IDENTITY_TOKEN"
	tagged := untagged + "_" + hcpTag(audience)
	_, value := env.Lookup(tagged, untagged)
	if value == "" {
		err := regpass.NoIdentityf("the run has no ID token for %s: neither %s nor %s is set",
			regpass.Quote(audience), tagged, untagged)
		return regpass.Secret{}, regpass.Hintf(err, "add to the workspace, as an environment variable:\n%s\n"+
			"an agent of one's own must be version 1.7.0 or later", hcpSetup(audience))
	}
	return regpass.NewSecret(value), nil
}

// hcpTag is what tells the tokens of a run apart: the audience as in the names of variables elsewhere.
func hcpTag(audience string) string {
	return strings.TrimSuffix(tokenVariables(audience)[0], "_ID_TOKEN")
}

func hcpSetup(audience string) string {
	const format = "TFC_WORKLOAD_IDENTITY_AUDIENCE_%s=%s  # a phase has one token for each such variable, for one registry"
	return fmt.Sprintf(format, hcpTag(audience), regpass.Quote(audience))
}
