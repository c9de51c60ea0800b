package registry

import (
	"strings"

	"github.com/regpass/regpass"
)

// trustPrefix is a Trusted Publisher of a channel, which may upload
// (https://pixi.prefix.dev/latest/deployment/prefix/#trusted-publishing). Which claims prefix.dev compares for reading
// is not documented.
func trustPrefix(_ *regpass.Env, t Target, j Job) (Trust, error) {
	owner, name, _ := strings.Cut(j.Claim("repository"), "/")
	file, _, _ := strings.Cut(j.Claim("workflow_ref"), "@")
	fields := []Field{{"owner", owner}, {"repository", name},
		{"workflow file", known(file[strings.LastIndex(file, "/")+1:], "WORKFLOW.yml")}}
	if e := j.Claim("environment"); e != "" {
		fields = append(fields, Field{"environment", e})
	}
	if owner == "" {
		fields = append([]Field{{"issuer", j.Issuer}}, claimFields(j.telling())...)
	}
	return Trust{Where: "the settings of the channel " + known(segments(t.Ref.URL)[0], "CHANNEL") +
		" at prefix.dev, under Trusted Publishers; to read a private channel, under repository access", Fields: fields,
		Notes: []string{"The form is that of GitHub; what it asks of another CI system is not known here."}}, nil
}
