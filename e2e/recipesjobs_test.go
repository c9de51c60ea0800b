package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"github.com/regpass/regpass/internal/fake"
)

// strict reads one YAML document into out, which must have a place for all that stands in it.
func strict(text string, out any) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	return d.Decode(out)
}

// bitbucketJob has a token made for the step's audiences.
func bitbucketJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		Pipelines struct {
			Default []struct {
				Step struct {
					OIDC        struct{ Audiences []string }
					Script      []string
					AfterScript []string `yaml:"after-script"`
				}
			}
		}
	}
	if err := strict(text, &file); err != nil || len(file.Pipelines.Default) != 1 {
		return nil, fmt.Errorf("%d steps, %w", len(file.Pipelines.Default), err)
	}
	step := file.Pipelines.Default[0].Step
	b := fake.Bitbucket{Issuer: fixtureOf(ts).issuer, Audiences: step.OIDC.Audiences}
	vars, err := b.Environ()
	setAll(ts, vars)
	return []shell{{with: "sh -eu", script: strings.Join(step.Script, "\n")},
		{with: "sh -eu", script: strings.Join(step.AfterScript, "\n"), always: true}}, err
}

// circleciJob has each step in a shell of its own, which reads the file BASH_ENV first.
func circleciJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		Version   string
		Workflows map[string]struct{ Jobs []string }
		Jobs      map[string]struct {
			Docker []struct{ Image string }
			Steps  []yaml.Node
		}
	}
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	c := fake.NewCircleCI(fixtureOf(ts).issuer)
	url, err := fixtureOf(ts).startFake(ts, c)
	if err != nil {
		return nil, err
	}
	setAll(ts, c.Environ(url))
	setAll(ts, []string{"BASH_ENV=" + filepath.Join(ts.Getenv("WORK"), "bash_env")})
	var all []shell
	for _, node := range file.Jobs[file.Workflows["build"].Jobs[0]].Steps {
		var step struct{ Run yaml.Node }
		if node.Value == "checkout" {
			continue
		}
		if err := node.Decode(&step); err != nil {
			return nil, err
		}
		var run struct{ Command, When string }
		if err := step.Run.Decode(&run); err != nil {
			run.Command = step.Run.Value
		}
		if run.Command == "" {
			return nil, fmt.Errorf("line %d: a step without a command", node.Line)
		}
		all = append(all, shell{with: "bash -eo pipefail", script: run.Command, always: run.When == "always"})
	}
	return all, nil
}

// azureJob gives a script the secret variables that its env names, here SECRET_NAME, and no others. The job's access
// token is one of them, under a name of its own.
func azureJob(ts *testscript.TestScript, text string) ([]shell, error) {
	var file struct {
		Pool  struct{ VMImage string }
		Steps []struct {
			Script, Condition string
			Env               map[string]string
		}
	}
	text = strings.Replace(text, "vmImage:", "vmimage:", 1) // as the package spells fields without a tag
	if err := strict(text, &file); err != nil {
		return nil, err
	}
	a := fake.NewAzure(fixtureOf(ts).issuer)
	url, err := fixtureOf(ts).startFake(ts, a)
	if err != nil {
		return nil, err
	}
	setAll(ts, a.Environ(url, filepath.Join(ts.Getenv("WORK"), "run")))
	setAll(ts, []string{"SECRET_SystemAccessToken=" + a.AccessToken()})
	var all []shell
	for _, step := range file.Steps {
		s := shell{with: "sh -eu", script: step.Script, always: step.Condition == "always()", env: map[string]string{}}
		for name, value := range step.Env {
			value = strings.Replace(value, "System.AccessToken", "SystemAccessToken", 1)
			secret := regexp.MustCompile(`^\$\((\w+)\)$`).FindStringSubmatch(value)
			if secret == nil {
				return nil, fmt.Errorf("env %s is no secret variable", name)
			}
			s.env[name] = `"$SECRET_` + secret[1] + `"`
		}
		all = append(all, s)
	}
	return all, nil
}

// buildkiteJob sources the hooks, and runs the step's command in a shell below that of pre-command.
func buildkiteJob(ts *testscript.TestScript, text string) ([]shell, error) {
	b := fake.NewBuildkite(fixtureOf(ts).issuer)
	url, err := fixtureOf(ts).startFake(ts, b)
	if err != nil {
		return nil, err
	}
	setAll(ts, b.Environ(url))
	hooks := map[string]string{}
	parts := regexp.MustCompile(`(?m)^# \.buildkite/hooks/(\S+)$`).FindAllStringSubmatchIndex(text, -1)
	for i, p := range parts {
		end := len(text)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		hooks[text[p[2]:p[3]]] = text[p[1]:end]
	}
	if len(hooks) != 2 || hooks["pre-command"] == "" || hooks["pre-exit"] == "" {
		return nil, fmt.Errorf("hooks %q", hooks)
	}
	return []shell{{with: "bash", script: hooks["pre-command"] + "\n/bin/bash -e -c 'uv sync'\n"},
		{with: "bash", script: hooks["pre-exit"], always: true}}, nil
}

// jenkinsBlock matches what opens or closes a block, the steps in it and what would be taken for one of them.
var jenkinsBlock = regexp.MustCompile(`//[^\n]*|sh '([^'\n]*)'|'[^'\n]*'|[{}]`)

// jenkinsBinding matches a credential that withCredentials binds to a variable.
var jenkinsBinding = regexp.MustCompile(`(string|file)\(credentialsId: '([^']+)', variable: '([A-Z_]+)'\)`)

// jenkinsJob has a shell for each sh step. It gets the credentials that are bound around it; what stands in a block
// that is called always or finally also runs after a failure.
func jenkinsJob(ts *testscript.TestScript, text string) ([]shell, error) {
	work := ts.Getenv("WORK")
	fixtureOf(ts).builds++
	j := fake.Jenkins{Issuer: fixtureOf(ts).issuer, Build: fixtureOf(ts).builds}
	setAll(ts, j.Environ(filepath.Join(work, "run")))
	var all []shell
	var open []string // the words before each { that is not closed yet
	last := 0
	for _, m := range jenkinsBlock.FindAllStringSubmatchIndex(text, -1) {
		switch word := text[m[0]:m[1]]; {
		case word == "{":
			open, last = append(open, text[last:m[0]]), m[1]
		case word == "}":
			if len(open) == 0 {
				return nil, errors.New("a } without a {")
			}
			open, last = open[:len(open)-1], m[1]
		case m[2] >= 0:
			s := shell{with: "sh -eu", script: text[m[2]:m[3]], env: map[string]string{}}
			for _, before := range open {
				s.always = s.always || regexp.MustCompile(`\b(always|finally)\s*$`).MatchString(before)
				for _, b := range jenkinsBinding.FindAllStringSubmatch(before, -1) {
					if err := bind(ts, j, b[1], b[2], b[3], s.env); err != nil {
						return nil, err
					}
				}
			}
			all = append(all, s)
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%d blocks are not closed", len(open))
	}
	return all, nil
}

// bind is what withCredentials does with a credential of the store.
func bind(ts *testscript.TestScript, j fake.Jenkins, kind, id, variable string, env map[string]string) error {
	value := ts.Getenv("KEY")
	if id != "pyx-api-key" {
		audience, ok := map[string]string{"pyx-trusted-access-id-token": "pyx:trusted-access"}[id]
		if !ok {
			return fmt.Errorf("the store has no credential %s", id)
		}
		token, err := j.IDToken(audience)
		if err != nil {
			return err
		}
		value = token.Reveal()
	}
	if kind == "file" {
		path := filepath.Join(ts.Getenv("WORK"), "bound-"+id)
		env[variable] = path + `; trap "rm -f ` + path + `" EXIT`
		return os.WriteFile(path, []byte(value), 0o600)
	}
	ts.Setenv("BOUND_"+variable, value)
	env[variable] = `"$BOUND_` + variable + `"`
	return nil
}

// startFake starts a fake that a CI's own program asks, and returns its URL. A wrong request fails the script.
func (f *fixture) startFake(ts *testscript.TestScript, h interface {
	http.Handler
	Wrong() []string
}) (string, error) {
	ts.Defer(func() {
		for _, wrong := range h.Wrong() {
			ts.Fatalf("a request to the CI was wrong: %s", wrong)
		}
	})
	return f.servers.Start(context.Background(), h)
}
