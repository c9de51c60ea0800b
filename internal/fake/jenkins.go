package fake

import (
	"strconv"
	"time"

	"github.com/regpass/regpass"
)

// Jenkins is a build of a Jenkins with the plugin oidc-provider (https://plugins.jenkins.io/oidc-provider/). Its ID
// tokens are credentials that a pipeline binds.
type Jenkins struct {
	*Issuer
	Build int // number of the build; it tells the tokens of builds apart, since they have no jti
	// Claims replace those of the build in every token; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the build, NAME=value. temp is the path for WORKSPACE_TMP.
func (j *Jenkins) Environ(temp string) []string {
	return []string{
		"BUILD_NUMBER=" + strconv.Itoa(j.Build),
		"BUILD_TAG=jenkins-app-" + strconv.Itoa(j.Build),
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
		"build_number": j.Build,
		"iat":          now.Unix(),
		"exp":          now.Add(time.Hour).Unix(),
	}, j.Claims))
}
