package identity

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

// detectAWS reports whether AWS can make a token here: keys or a role and a region are there. STS takes none of its own
// tokens.
func detectAWS(env *regpass.Env, audience string) bool {
	region, err := aws.RegionHere(env)
	return err == nil && region != "" && aws.Here(env) != "" && !aws.IsSTS(audience)
}

// awsToken has STS make a token of the role, or user, whose keys are here. The account's administrator must have
// switched that on once.
//
//	POST /   Action=GetWebIdentityToken&Audience.member.1=…&SigningAlgorithm=RS256&DurationSeconds=300, signed
//	<GetWebIdentityTokenResponse><GetWebIdentityTokenResult><WebIdentityToken>…
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
func awsToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	region, err := aws.RegionHere(env)
	switch {
	case err != nil:
		return regpass.Secret{}, err
	case aws.IsSTS(audience):
		err := regpass.NoIdentityf("STS takes no ID token of its own, which one for %s would be", regpass.Quote(audience))
		return regpass.Secret{}, regpass.Hintf(err, "use the keys, or the machine's role, as they are")
	case region == "" || aws.Here(env) == "":
		err := regpass.NoIdentityf("there are no keys or no region of AWS")
		return regpass.Secret{}, regpass.Hintf(err, "needed are the machine's role, or %s, and AWS_REGION:\n%s",
			strings.Join(aws.Vars, ", "), awsSetup(audience))
	}
	keys, err := aws.KeysHere(ctx, env)
	if err != nil {
		return regpass.Secret{}, err
	}
	at, err := aws.STS.Endpoint(env, region, aws.Variant{})
	if err != nil {
		return regpass.Secret{}, err
	}
	at.Path = "/"
	request := regpass.Request{Op: "ask for an ID token", Method: http.MethodPost, URL: at, Scrub: keys.Secrets(),
		Form: map[string]any{"Action": "GetWebIdentityToken", "Version": "2011-06-15", "Audience.member.1": audience,
			"SigningAlgorithm": "RS256", "DurationSeconds": "300"}}
	var answer []byte
	err = env.Retry(ctx, func(ctx context.Context) (err error) {
		request.Sign = aws.Signer{Keys: keys, Region: region, Service: aws.STS, Now: env.Now()}
		answer, err = env.Do(ctx, request)
		return aws.TryAgain(err)
	})
	if err != nil {
		return regpass.Secret{}, awsRefusal(err, audience)
	}
	got, err := aws.Fields(answer)
	token := got["GetWebIdentityTokenResult/WebIdentityToken"]
	if err != nil || token == "" {
		return regpass.Secret{}, regpass.NoIdentityf("ask for an ID token: the answer of %s has none", at.Host)
	}
	return regpass.NewSecret(token), nil
}

// awsRefusal says what is missing.
func awsRefusal(err error, audience string) error {
	switch text := err.Error(); {
	case strings.Contains(text, "OutboundWebIdentityFederationDisabled"):
		return regpass.Hintf(err, "the account makes no ID tokens yet; its administrator runs once:\n%s",
			"aws iam enable-outbound-web-identity-federation")
	case strings.Contains(text, "not authorized to perform"):
		return regpass.Hintf(err, "the role needs the permission:\n%s", awsSetup(audience))
	}
	return err
}

func awsSetup(audience string) string {
	const format = `"Action": "sts:GetWebIdentityToken"  # in a policy of the role, for the audience %s`
	return fmt.Sprintf(format, regpass.Quote(audience))
}
