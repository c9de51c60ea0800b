package fake

import "time"

// SemaphoreAudience is the audience of the fake's tokens: the URL of its organization.
const SemaphoreAudience = "https://acme.semaphoreci.com"

// Semaphore is a job of Semaphore. Its one ID token is made when it begins
// (https://docs.semaphoreci.com/reference/openid).
type Semaphore struct {
	*Issuer
	// Claims replace those of the job; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the job, NAME=value.
func (s *Semaphore) Environ() ([]string, error) {
	const job = "c117e453-1189-4eaf-b03a-dd6538eb49b2"
	token, err := s.Sign(s.claims(job))
	if err != nil {
		return nil, err
	}
	return []string{
		"CI=true",
		"SEMAPHORE=true",
		"SEMAPHORE_GIT_BRANCH=main",
		"SEMAPHORE_JOB_ID=" + job,
		"SEMAPHORE_OIDC_TOKEN=" + token.Reveal(),
		"SEMAPHORE_ORGANIZATION_URL=" + SemaphoreAudience,
	}, nil
}

// claims are those of a push to a branch. A token lives as long as its job may run, here an hour.
func (s *Semaphore) claims(job string) map[string]any {
	const project = "936a5312-a3b8-4921-8b3f-2cec8baac574"
	now := s.Now()
	return merged(map[string]any{
		"sub":       "org:acme:project:" + project + ":repo:app:ref_type:branch:ref:refs/heads/main",
		"jti":       uuid(),
		"aud":       SemaphoreAudience,
		"branch":    "main",
		"pr_branch": "",
		"pr":        "",
		"ref":       "refs/heads/main",
		"ref_type":  "branch",
		"tag":       "",
		"repo":      "app",
		"repo_slug": "acme/app",
		"prj_id":    project,
		"wf_id":     uuid(),
		"ppl_id":    uuid(),
		"job_type":  "pipeline_job",
		"job_id":    job,
		"trg":       "h:f-i:f",
		"iat":       now.Unix(),
		"nbf":       now.Unix(),
		"exp":       now.Add(time.Hour).Unix(),
	}, s.Claims)
}
