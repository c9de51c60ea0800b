package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/fake"
)

// gitlabJob has a token made for each id_tokens entry. before_script and script share a shell; after_script
// has its own.
func gitlabJob(ts *testscript.TestScript, text string) ([]shell, error) {
	jobs, err := gitlabJobs(text)
	if err != nil {
		return nil, err
	}
	var all []shell
	g := fake.GitLab{Issuer: fixtureOf(ts).issuer, IDTokens: map[string]any{},
		Claims: map[string]any{"project_path": "acme/app"}}
	for name, job := range jobs {
		for variable, token := range job.IDTokens {
			g.IDTokens[variable] = token.Aud
		}
		if len(all) > 0 {
			return nil, fmt.Errorf("a second job, %s", name)
		}
		main := strings.Join(append(job.BeforeScript, job.Script...), "\n")
		all = append(all, shell{with: "sh -eu", script: main},
			shell{with: "sh -eu", script: strings.Join(job.AfterScript, "\n"), always: true})
	}
	vars, err := g.Environ()
	if err != nil {
		return nil, err
	}
	setAll(ts, vars)
	setAll(ts, []string{"CI_PROJECT_DIR=" + ts.Getenv("WORK") + "/run"})
	return all, nil
}

// gitlabEntry is a job, of what recipes use.
type gitlabEntry struct {
	Extends      string
	Stage        string
	Image        string
	IDTokens     map[string]gitlabToken `yaml:"id_tokens"`
	BeforeScript []string               `yaml:"before_script"`
	Script       []string
	AfterScript  []string `yaml:"after_script"`
}

// gitlabToken is an entry of id_tokens.
type gitlabToken struct{ Aud string }

// gitlabFile is a .gitlab-ci.yml.
type gitlabFile struct {
	Include []gitlabInclude
	Jobs    map[string]gitlabEntry `yaml:",inline"`
}

// gitlabInclude names a component and fills in its inputs.
type gitlabInclude struct {
	Component string
	Inputs    map[string]string
}

// gitlabJobs lists the jobs of a file, with what they extend merged in.
func gitlabJobs(text string) (map[string]gitlabEntry, error) {
	var file gitlabFile
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	hidden := map[string]gitlabEntry{}
	for _, include := range file.Include {
		if err := include.read(hidden); err != nil {
			return nil, fmt.Errorf("%s: %w", include.Component, err)
		}
	}
	for name, job := range file.Jobs {
		base, ok := hidden[job.Extends]
		if !ok && job.Extends != "" {
			return nil, fmt.Errorf("%s extends %s, which is not there", name, job.Extends)
		}
		if job.BeforeScript == nil {
			job.BeforeScript = base.BeforeScript
		}
		if job.AfterScript == nil {
			job.AfterScript = base.AfterScript
		}
		tokens := maps.Clone(base.IDTokens)
		if tokens == nil {
			tokens = map[string]gitlabToken{}
		}
		maps.Copy(tokens, job.IDTokens)
		job.IDTokens = tokens
		file.Jobs[name] = job
	}
	return file.Jobs, nil
}

// read adds the component's jobs. Its inputs are filled in before it is read as YAML: GitLab does it so
// (https://gitlab.com/gitlab-org/gitlab/-/merge_requests/142009).
func (i gitlabInclude) read(jobs map[string]gitlabEntry) error {
	if !strings.Contains(i.Component, "/regpass/regpass@") {
		return errors.New("it is not ours")
	}
	whole, err := os.ReadFile(filepath.Join(checkout, "templates/regpass.yml"))
	if err != nil {
		return err
	}
	head, text, _ := strings.Cut(string(whole), "\n---\n")
	var header struct {
		Spec struct {
			Inputs map[string]struct {
				Description string
				Default     *string
			}
		}
	}
	if err := strict(head, &header); err != nil {
		return err
	}
	for name, input := range header.Spec.Inputs {
		value, given := i.Inputs[name]
		reference := "$[[ inputs." + name + " ]]"
		switch {
		case input.Description == "" || !strings.Contains(text, reference):
			return fmt.Errorf("the input %s is not described or not used", name)
		case !given && input.Default == nil:
			return fmt.Errorf("the input %s is missing", name)
		case !given:
			value = *input.Default
		}
		text = strings.ReplaceAll(text, reference, value)
	}
	for name := range i.Inputs {
		if _, ok := header.Spec.Inputs[name]; !ok {
			return fmt.Errorf("there is no input %s", name)
		}
	}
	if strings.Contains(text, "$[[") {
		return errors.New("it uses an input that is not there")
	}
	return strict(text, &jobs)
}
