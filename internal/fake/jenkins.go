package fake

import (
	"time"

	"github.com/regpass/regpass"
)

// Jenkins is a build of a Jenkins with the plugin oidc-provider, whose ID tokens are credentials that a pipeline binds.
// https://plugins.jenkins.io/oidc-provider/
type Jenkins struct {
	*Issuer
	// Claims are laid over the build's own in every token; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the build, NAME=value. temp is the folder of WORKSPACE_TMP.
func (j *Jenkins) Environ(temp string) []string {
	return []string{
		"BUILD_NUMBER=7",
		"BUILD_TAG=jenkins-app-7",
		"CI=true",
		"EXECUTOR_NUMBER=0",
		"JENKINS_URL=https://jenkins.example/",
		"JOB_NAME=app",
		"WORKSPACE_TMP=" + temp,
	}
}

// IDToken makes the token that a pipeline gets when it binds the credential for audience.
func (j *Jenkins) IDToken(audience string) (regpass.Secret, error) {
	now := j.Now()
	return j.Sign(merged(map[string]any{
		"sub":          "https://jenkins.example/job/app/",
		"aud":          audience,
		"build_number": 7,
		"iat":          now.Unix(),
		"exp":          now.Add(time.Hour).Unix(),
	}, j.Claims))
}
