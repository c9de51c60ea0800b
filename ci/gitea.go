package ci

// Gitea is Gitea Actions. No released Gitea gives ID tokens yet: what is written here is that of a proposal
// (https://github.com/go-gitea/gitea/pull/39052), and unproven.
// https://docs.gitea.com/usage/actions/actions-variables
var Gitea = System{
	Name: "gitea", Title: "Gitea Actions",
	Flag:       Flag{"GITEA_ACTIONS", "true"},
	Job:        forgeJob,
	Tokens:     AnyAudience,
	Claims:     forgeClaims,
	IssuerPer:  "instance",
	Repository: ownerAndName,
	Shape:      forgeShape,
	Doubt:      forgeDoubt,
}
