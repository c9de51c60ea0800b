package ci

// Jenkins is a Jenkins controller with the plugin oidc-provider. A pipeline binds an ID token to a variable, like any
// other credential.
// https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
// https://plugins.jenkins.io/oidc-provider/
var Jenkins = System{
	Name: "jenkins", Title: "Jenkins",
	Flag: Flag{"JENKINS_URL", ""},
	Job: Job{
		IDs:  []string{"BUILD_TAG", "EXECUTOR_NUMBER"},
		Temp: "WORKSPACE_TMP",
	},
	Tokens:     DeclaredAudiences,
	InVariable: true,
	IssuerPer:  "controller",
}
