package ci

// Semaphore is Semaphore CI. Each organization is the issuer, and also the audience, of its jobs' tokens.
// https://docs.semaphoreci.com/reference/env-vars
// https://docs.semaphoreci.com/reference/openid
var Semaphore = System{
	Name: "semaphore", Title: "Semaphore",
	Flag:        Flag{"SEMAPHORE", "true"},
	Job:         Job{IDs: []string{"SEMAPHORE_JOB_ID"}},
	Tokens:      OneToken,
	Audience:    "$SEMAPHORE_ORGANIZATION_URL",
	OwnAudience: true,
	Claims:      []string{"sub", "prj_id", "repo_slug", "ref_type", "ref", "job_type"},
	IssuerPer:   "organization",
	Repository:  ownerAndName,
	// The subject holds the project's id.
	Doubt: "The sub of a job of Semaphore holds the project's id: `regpass trust` in the job prints it.",
	Shape: []Shape{
		{"repo_slug", "$repository"},
		{"ref_type", "branch"},
		{"ref", "refs/heads/$ref"},
	},
}
