package fake

import "time"

// Bitbucket is a step of Bitbucket Pipelines. Its one ID token is made when it begins
// (https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/).
type Bitbucket struct {
	*Issuer
	// Audiences are the step's `oidc: audiences:`. If there are none, there is no token.
	Audiences []string
	// Claims replace those of the step; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the step, NAME=value.
func (b *Bitbucket) Environ() ([]string, error) {
	vars := []string{
		"BITBUCKET_BRANCH=main",
		"BITBUCKET_BUILD_NUMBER=7",
		"BITBUCKET_REPO_FULL_NAME=acme/app",
		"BITBUCKET_REPO_UUID={" + bitbucketRepository + "}",
		"BITBUCKET_STEP_RUN_NUMBER=1",
		"BITBUCKET_STEP_UUID={" + bitbucketStep + "}",
		"BITBUCKET_WORKSPACE=acme",
		"CI=true",
	}
	if len(b.Audiences) == 0 {
		return vars, nil
	}
	token, err := b.Sign(b.claims())
	if err != nil {
		return nil, err
	}
	return append(vars, "BITBUCKET_STEP_OIDC_TOKEN="+token.Reveal()), nil
}

const (
	bitbucketRepository = "fe99db34-e979-40be-b383-c1a7738b52f7"
	bitbucketStep       = "5a50dd52-5ab7-4225-831c-4db9451375a2"
)

// claims are those of a push to a branch. UUIDs are in braces, and aud is always a list (BCLOUD-24028).
func (b *Bitbucket) claims() map[string]any {
	now := b.Now()
	return merged(map[string]any{
		"sub":            "{" + bitbucketRepository + "}:{" + bitbucketStep + "}",
		"jti":            uuid(),
		"aud":            b.Audiences,
		"branchName":     "main",
		"pipelineUuid":   "{" + uuid() + "}",
		"repositoryUuid": "{" + bitbucketRepository + "}",
		"stepUuid":       "{" + bitbucketStep + "}",
		"workspaceUuid":  "{d4a61c6e-64f1-4e1c-9c8f-21d8c9e7c0b3}",
		"iat":            now.Unix(),
		"exp":            now.Add(time.Hour).Unix(),
	}, b.Claims)
}
