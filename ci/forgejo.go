package ci

// Forgejo is Forgejo Actions. Its jobs set GITHUB_ACTIONS and GITEA_ACTIONS too, so it is detected before both. Its ID
// tokens come from Forgejo 15 and runner 12.5; the subject has numeric ids unless a repository chose the older form.
// https://forgejo.org/docs/latest/user/actions/reference/
var Forgejo = System{
	Name: "forgejo", Title: "Forgejo Actions",
	Flag:       Flag{"FORGEJO_ACTIONS", "true"},
	Job:        forgeJob,
	Tokens:     AnyAudience,
	Claims:     forgeClaims,
	IssuerPer:  "instance",
	Repository: ownerAndName,
	Shape:      forgeShape,
	Doubt:      forgeDoubt,
}

// forgeJob are the variables of the runners of Forgejo and Gitea. The jobs of a matrix may run on one machine at the
// same time with the same names, but each has a token of its own.
var forgeJob = Job{
	IDs: []string{
		"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB",
		"ACTIONS_RUNTIME_TOKEN",
	},
	Temp: "RUNNER_TEMP",
}

// forgeClaims are those that Forgejo and Gitea have in common with GitHub.
var forgeClaims = []string{
	"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "ref", "workflow_ref", "event_name",
}

const forgeDoubt = "The sub of a job there holds numbers that only the instance knows: `regpass trust` in the job " +
	"prints it."

// forgeShape has no sub, which holds numbers that only the instance knows.
var forgeShape = []Shape{
	{"repository", "$repository"},
	{"repository_owner", "$owner"},
	{"ref", "refs/heads/$ref"},
}
