package registry

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
)

// maxGoogleSubject is the length of the longest google.subject, in bytes
// (https://cloud.google.com/iam/docs/workload-identity-federation#mapping).
const maxGoogleSubject = 127

// googleJobIDs are the claims that name a repository by something that nobody else ever gets: names are given away.
var googleJobIDs = []string{"repository_id", "project_id", "repositoryUuid", "pipeline_id",
	"oidc.circleci.com/project-id", "prj_id", "app_slug"}

// trustGoogle lets one job read a repository: a pool, a provider that takes identities of the job's repository alone,
// and the role for the subject of this job.
func trustGoogle(env *regpass.Env, t Target, j Job) (Trust, error) {
	g, _ := t.exchanger.(googleRef)
	project, repository := g.repository(t.Ref)
	number, pool, provider := placeholder("project number"), "ci", "regpass"
	m := googleProvider().FindStringSubmatch(g.provider)
	if m != nil {
		number, pool, provider = m[1], m[2], m[3]
	}
	name := fmt.Sprintf("projects/%s/locations/global/workloadIdentityPools/%s/providers/%s", number, pool, provider)
	mapping, condition, subject, err := googlePolicy(j)
	if err != nil {
		return Trust{}, err
	}
	member := func(number string) string {
		return "principal://iam.googleapis.com/projects/" + number + "/locations/global/workloadIdentityPools/" + pool +
			"/subject/" + subject
	}
	audience := "" // the provider's own
	if j.Audience != googleIAM && j.Audience != googleIAM+name {
		audience = j.Audience
	}
	out := Trust{
		Where: "IAM of the project " + known(project, "project"),
		Fields: []Field{{"pool", pool}, {"provider", provider}, {"issuer", j.Issuer},
			{"attribute mapping", mapping}, {"attribute condition", condition}, {"principal", member(number)},
			{"role", "roles/artifactregistry.reader on the repository " + known(repository, "repository")}},
		Workflow: []Field{{googleProviderOption.Vars[0], name}},
		Notes: []string{"A pool and a provider can serve many jobs: leave out the commands for what is there.",
			"What is new may take 5 minutes to work."},
	}
	if audience != "" {
		out.Fields = append(out.Fields, Field{"allowed audience", audience})
		out.Notes = append(out.Notes, "With an allowed audience, the provider no longer takes its own name as one.")
	}
	if g.serviceAccount != "" {
		out.Fields = append(out.Fields, Field{"service account", g.serviceAccount},
			Field{"its role for the principal", "roles/iam.workloadIdentityUser"})
		out.Workflow = append(out.Workflow, Field{googleAccountOption.Vars[0], g.serviceAccount})
	}
	p := googleSetUp{ref: g, project: known(project, "project"), repository: known(repository, "repository"),
		location: known(g.location, "location"), pool: pool, provider: provider, issuer: j.Issuer, audience: audience,
		mapping: mapping, condition: condition, subject: subject}
	if m != nil {
		p.number = number
	}
	out.Shell, out.Terraform = p.shell(), p.terraform()
	return out, nil
}

// googlePolicy is what a provider maps to google.subject, its condition, and the job's subject, which is sub unless
// that is too long.
func googlePolicy(j Job) (mapping, condition, subject string, err error) {
	id := ""
	for _, claim := range googleJobIDs {
		if j.Claim(claim) != "" {
			id = claim
			break
		}
	}
	equals := func(claim string) string {
		value := j.Claim(claim)
		if claim == "sub" {
			value = j.Subject()
		}
		return celClaim(claim) + " == " + strconv.QuoteToASCII(value)
	}
	switch long := len(j.Subject()) > maxGoogleSubject; {
	case long && id == "":
		err := regpass.Usagef("the claim sub has %d bytes, and Google takes %d", len(j.Subject()), maxGoogleSubject)
		return "", "", "", regpass.Hintf(err, "have the CI system make a shorter one, or map google.subject to another claim")
	case long:
		return "google.subject=" + celClaim(id), equals("sub") + " && " + equals(id), j.Claim(id), nil
	case id == "":
		return "google.subject=assertion.sub", equals("sub"), j.Subject(), nil
	}
	return "google.subject=assertion.sub", equals(id), j.Subject(), nil
}

// celClaim is a claim in Common Expression Language, whose strings Go's quotes fit
// (https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values).
func celClaim(name string) string {
	if strings.ContainsAny(name, "./-") {
		return "assertion['" + name + "']"
	}
	return "assertion." + name
}

// repository is the project and the repository that a URL names, each empty if it does not.
//
//	https://LOCATION-FORMAT.pkg.dev/PROJECT/REPOSITORY/…
//	https://gcr.io/PROJECT/…   whose repository has the host's name
//
// A project of a domain is two segments, as in example.com/project, and is called example.com:project.
func (g googleRef) repository(ref regpass.Ref) (project, repository string) {
	rest := segments(ref.URL)
	project, rest = rest[0], rest[1:]
	if strings.Contains(project, ".") && len(rest) > 0 {
		project, rest = project+":"+rest[0], rest[1:]
	}
	switch {
	case strings.HasSuffix(ref.Host, "gcr.io"):
		repository = ref.Host
	case len(rest) > 0:
		repository = rest[0]
	}
	return project, repository
}

// googleSetUp is what the commands and Terraform make.
type googleSetUp struct {
	ref                                           googleRef
	number                                        string // of the pool's project, or empty
	project, repository, location, pool, provider string
	issuer, mapping, condition, subject           string
	audience                                      string // empty: the provider's own
}

// account is the name of the service account in its project.
func (s googleSetUp) account() (name, project string) {
	name, rest, _ := strings.Cut(s.ref.serviceAccount, "@")
	project, found := strings.CutSuffix(rest, ".iam.gserviceaccount.com")
	if !found {
		project = s.project
	}
	return name, project
}

// shell writes commands of gcloud (https://cloud.google.com/sdk/gcloud/reference/iam/workload-identity-pools).
func (s googleSetUp) shell() string {
	var b strings.Builder
	in := func(project string) string { return "--project=" + shell(project) }
	poolProject := in(s.project)
	if s.number != "" {
		poolProject = in(s.number)
		fmt.Fprintf(&b, "number=%s\n", shell(s.number))
	} else {
		fmt.Fprintf(&b, "number=$(gcloud projects describe %s --format='value(projectNumber)')\n", shell(s.project))
	}
	fmt.Fprintf(&b, "gcloud iam workload-identity-pools create %s %s --location=global\n", shell(s.pool), poolProject)
	fmt.Fprintf(&b, "gcloud iam workload-identity-pools providers create-oidc %s %s --location=global \\\n"+
		"  --workload-identity-pool=%s --issuer-uri=%s \\\n  --attribute-mapping=%s \\\n  --attribute-condition=%s",
		shell(s.provider), poolProject, shell(s.pool), shell(s.issuer), shell(s.mapping), shell(s.condition))
	if s.audience != "" {
		fmt.Fprintf(&b, " \\\n  --allowed-audiences=%s", shell(s.audience))
	}
	fmt.Fprintf(&b, "\nmember=\"principal://iam.googleapis.com/projects/$number/\"%s\n",
		shell("locations/global/workloadIdentityPools/"+s.pool+"/subject/"+s.subject))
	reader := `"$member"`
	if s.ref.serviceAccount != "" {
		name, project := s.account()
		fmt.Fprintf(&b, "gcloud iam service-accounts create %s %s\n", shell(name), in(project))
		fmt.Fprintf(&b, "gcloud iam service-accounts add-iam-policy-binding %s %s \\\n"+
			"  --role=roles/iam.workloadIdentityUser --member=\"$member\"\n", shell(s.ref.serviceAccount), in(project))
		reader = shell("serviceAccount:" + s.ref.serviceAccount)
	}
	fmt.Fprintf(&b, "gcloud artifacts repositories add-iam-policy-binding %s %s --location=%s \\\n"+
		"  --role=roles/artifactregistry.reader --member=%s\n",
		shell(s.repository), in(s.project), shell(s.location), reader)
	return b.String()
}

// terraform writes resources of the provider hashicorp/google
// (https://registry.terraform.io/providers/hashicorp/google/latest/docs).
func (s googleSetUp) terraform() string {
	poolProject, audiences := s.project, "[]" // none: the provider's own name
	if s.number != "" {
		poolProject = s.number
	}
	if s.audience != "" {
		audiences = "[" + hcl(s.audience) + "]"
	}
	_, mapped, _ := strings.Cut(s.mapping, "=")
	member := fmt.Sprintf(`format("principal://iam.googleapis.com/%%s/subject/%%s", `+
		`google_iam_workload_identity_pool.ci.name, %s)`, hcl(s.subject))
	account, reader := "", member
	if s.ref.serviceAccount != "" {
		name, project := s.account()
		account = fmt.Sprintf(`
resource "google_service_account" "ci" {
  project    = %s
  account_id = %s
}

resource "google_service_account_iam_member" "ci" {
  service_account_id = google_service_account.ci.name
  role               = "roles/iam.workloadIdentityUser"
  member             = %s
}
`, hcl(project), hcl(name), member)
		reader = "google_service_account.ci.member"
	}
	return fmt.Sprintf(`resource "google_iam_workload_identity_pool" "ci" {
  project                   = %s
  workload_identity_pool_id = %s
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  project                            = google_iam_workload_identity_pool.ci.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = %s
  attribute_mapping                  = { "google.subject" = %s }
  attribute_condition                = %s
  oidc {
    issuer_uri        = %s
    allowed_audiences = %s
  }
}
%s
resource "google_artifact_registry_repository_iam_member" "ci" {
  project    = %s
  location   = %s
  repository = %s
  role       = "roles/artifactregistry.reader"
  member     = %s
}
`, hcl(poolProject), hcl(s.pool), hcl(s.provider), hcl(mapped), hcl(s.condition), hcl(s.issuer), audiences, account,
		hcl(s.project), hcl(s.location), hcl(s.repository), reader)
}
