package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/fake"
)

// forgejoJob has a token service only if the job says enable-openid-connect.
func forgejoJob(ts *testscript.TestScript, text string) ([]shell, error) {
	return forgeJob(ts, text, fake.NewForgejo(fixtureOf(ts).issuer), func(j workflowJob) bool { return j.OpenID })
}

// giteaJob has one only if the job has the permission, as the proposal for Gitea says.
func giteaJob(ts *testscript.TestScript, text string) ([]shell, error) {
	return forgeJob(ts, text, fake.NewGitea(fixtureOf(ts).issuer),
		func(j workflowJob) bool { return j.Permissions["id-token"] == "write" })
}

// workflowJob is a job in a file of GitHub's form.
type workflowJob struct {
	RunsOn      string `yaml:"runs-on"`
	OpenID      bool   `yaml:"enable-openid-connect"`
	Permissions map[string]string
	Steps       []struct {
		Uses, Run, If string
		Env           map[string]string
	}
}

// forgeJob runs each step in a shell of its own.
func forgeJob(ts *testscript.TestScript, text string, f *fake.Forge, mayAsk func(workflowJob) bool) ([]shell, error) {
	var file struct {
		On   string
		Jobs struct{ Build workflowJob }
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	url, err := fixtureOf(ts).startFake(ts, f)
	if err != nil {
		return nil, err
	}
	setAll(ts, f.Environ(url))
	setAll(ts, []string{"RUNNER_TEMP=" + filepath.Join(ts.Getenv("WORK"), "run")})
	if !mayAsk(file.Jobs.Build) {
		setAll(ts, []string{"ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN="})
	}
	var all []shell
	for _, step := range file.Jobs.Build.Steps {
		if step.Uses != "" {
			continue
		}
		s := shell{with: "bash -e", script: step.Run, always: step.If == "always()", env: map[string]string{}}
		for name, value := range step.Env {
			secret := regexp.MustCompile(`^\$\{\{ secrets\.(\w+) \}\}$`).FindStringSubmatch(value)
			if secret == nil {
				return nil, fmt.Errorf("env %s is no secret", name)
			}
			s.env[name] = `"$SECRET_` + secret[1] + `"`
		}
		all = append(all, s)
	}
	return all, nil
}

// codefreshJob runs the commands of the step in one shell.
func codefreshJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		Version string
		Steps   struct {
			Build struct {
				Type, Image string
				Commands    []string
			}
		}
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	c := fake.NewCodefresh(fixtureOf(ts).issuer)
	url, err := fixtureOf(ts).startFake(ts, c)
	setAll(ts, c.Environ(url))
	return []shell{{with: "sh -e", script: strings.Join(file.Steps.Build.Commands, "\n")}}, err
}

// bitriseJob runs each script step in a shell of its own.
func bitriseJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		FormatVersion string `yaml:"format_version"`
		Library       string `yaml:"default_step_lib_source"`
		Workflows     struct {
			Build struct {
				Steps []map[string]struct {
					Always bool `yaml:"is_always_run"`
					Inputs []struct{ Content string }
				}
			}
		}
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	b := fake.NewBitrise(fixtureOf(ts).issuer)
	url, err := fixtureOf(ts).startFake(ts, b)
	setAll(ts, b.Environ(url))
	var all []shell
	for _, step := range file.Workflows.Build.Steps {
		if s, ok := step["script@1"]; ok && len(s.Inputs) == 1 {
			all = append(all, shell{with: "bash -e", script: s.Inputs[0].Content, always: s.Always})
		}
	}
	return all, err
}

// semaphoreJob runs the job's commands in one shell, and those of the epilogue in another. checkout is a program there.
func semaphoreJob(ts *testscript.TestScript, text string) ([]shell, error) {
	type commands struct{ Commands []string }
	var file struct {
		Version, Name string
		Agent         struct {
			Machine struct {
				Type  string
				Image string `yaml:"os_image"`
			}
		}
		Blocks []struct {
			Name string
			Task struct {
				Secrets []struct{ Name string }
				Jobs    []struct {
					Name     string
					Commands []string
				}
				Epilogue struct{ Always commands }
			}
		}
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	task := file.Blocks[0].Task
	if len(task.Jobs) != 1 || len(task.Jobs[0].Commands) != 2 || task.Jobs[0].Commands[0] != "checkout" {
		return nil, errors.New("no job that checks out and runs")
	}
	s := fake.Semaphore{Issuer: fixtureOf(ts).issuer}
	vars, err := s.Environ()
	setAll(ts, vars)
	env := map[string]string{}
	if len(task.Secrets) > 0 {
		env["PYX_API_KEY"] = `"$SECRET_PYX_API_KEY"`
	}
	return []shell{{with: "bash -e", script: task.Jobs[0].Commands[1], env: env},
		{with: "bash -e", script: strings.Join(task.Epilogue.Always.Commands, "\n"), always: true}}, err
}

// hcpJob gives the hook the tokens of the variables that its comments name, or else the key.
func hcpJob(ts *testscript.TestScript, text string) ([]shell, error) {
	if !strings.HasPrefix(text, "#!/bin/sh\n") {
		return nil, errors.New("the hook is no program")
	}
	h := fake.HCP{Issuer: fixtureOf(ts).issuer,
		Variables: regexp.MustCompile(`TFC_WORKLOAD_IDENTITY_AUDIENCE_\S+`).FindAllString(text, -1)}
	vars, err := h.Environ()
	setAll(ts, vars)
	return []shell{{with: "sh", script: text}}, err
}

// spaceliftJob runs the hooks in one shell. A secret of the stack is a variable of all its runs.
func spaceliftJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		Version  string
		Defaults struct {
			Image      string   `yaml:"runner_image"`
			BeforeInit []string `yaml:"before_init"`
		} `yaml:"stack_defaults"`
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	s := fake.Spacelift{Issuer: fixtureOf(ts).issuer}
	vars, err := s.Environ()
	setAll(ts, vars)
	env := map[string]string{}
	if strings.Contains(text, "as secrets: PYX_API_KEY\n") {
		env["PYX_API_KEY"] = `"$SECRET_PYX_API_KEY"`
	}
	return []shell{{with: "bash -e", script: strings.Join(file.Defaults.BeforeInit, " && "), env: env}}, err
}
