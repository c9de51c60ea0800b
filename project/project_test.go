package project_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/project"
)

// write makes files below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		dir   string   // to begin in
		want  []string // the refs, each with its file and its name
		paths []string
	}{
		{"nothing", nil, "", nil, nil},
		{"ours", map[string]string{"regpass.toml": `registry = ["pyx.dev", "https://a.example/simple name=a"]`}, "",
			[]string{"pyx.dev regpass.toml", "https://a.example/simple regpass.toml a"}, []string{"regpass.toml"}},
		{"uv", map[string]string{"uv.toml": `
index-url = "https://a.example/simple"
extra-index-url = ["https://b.example/simple", "http://plain.example/simple", "./wheels"]
publish-url = "https://c.example/upload"
[[index]]
name = "acme"
url = "https://d.example/simple"
publish-url = "https://e.example/upload"
`}, "", []string{
			"https://a.example/simple uv.toml", "https://c.example/upload uv.toml", "https://b.example/simple uv.toml",
			"https://d.example/simple uv.toml acme", "https://e.example/upload uv.toml",
		}, []string{"uv.toml"}},
		{"pixi", map[string]string{"pixi.toml": `
[workspace]
channels = ["conda-forge", "https://a.example/acme", {channel = "https://b.example/acme", priority = 1}]
[project]
channels = ["https://c.example/acme"]
[pypi-options]
index-url = "https://d.example/simple"
extra-index-urls = ["https://e.example/simple"]
`}, "", []string{
			"https://d.example/simple pixi.toml", "https://e.example/simple pixi.toml", "https://a.example/acme pixi.toml",
			"https://b.example/acme pixi.toml", "https://c.example/acme pixi.toml",
		}, []string{"pixi.toml"}},
		{"pyproject", map[string]string{"pyproject.toml": `
[tool.regpass]
registry = ["https://a.example/simple"]
[tool.uv]
index-url = "https://b.example/simple"
[tool.pixi.workspace]
channels = ["https://c.example/acme"]
`}, "", []string{"https://a.example/simple pyproject.toml", "https://b.example/simple pyproject.toml",
			"https://c.example/acme pyproject.toml"}, []string{"pyproject.toml"}},
		{"poetry and pdm", map[string]string{"pyproject.toml": `
[[tool.poetry.source]]
name = "a"
url = "https://a.example/simple"
priority = "explicit"
[[tool.poetry.source]]
name = "PyPI"
[[tool.pdm.source]]
url = "https://b.example/simple"
`}, "", []string{"https://a.example/simple pyproject.toml", "https://b.example/simple pyproject.toml"},
			[]string{"pyproject.toml"}},
		{"pip", map[string]string{"pip.conf": `
[global]
index-url = https://a.example/simple
Extra_Index_URL: https://b.example/simple
    https://c.example/simple
    # https://no.example/simple
timeout = 60
    https://no.example/simple
[install]
; index-url = https://no.example/simple
`, "requirements.txt": "-i https://d.example/simple\nacme==1.0\n", "requirements-dev.txt": `
  --extra-index-url=https://e.example/simple?no # a comment
--extra-index-url  https://f.example/simple # a comment
# --index-url https://no.example/simple
--find-links https://no.example/simple
acme==1.0 --hash=sha256:00
`}, "", []string{"https://a.example/simple pip.conf", "https://b.example/simple pip.conf",
			"https://c.example/simple pip.conf", "https://f.example/simple requirements-dev.txt",
			"https://d.example/simple requirements.txt"},
			[]string{"pip.conf", "requirements-dev.txt", "requirements.txt"}},
		{"pip-tools and pipenv", map[string]string{"requirements-dev.in": "--index-url https://a.example/simple\n",
			"constraints.txt": "--extra-index-url https://b.example/simple\n", "Pipfile": `
[[source]]
name = "acme"
url = "https://c.example/simple"
verify_ssl = true
[[source]]
url = "https://${USER}:${PASSWORD}@no.example/simple"
[packages]
acme = {version = "*", index = "acme"}
`}, "", []string{"https://a.example/simple requirements-dev.in", "https://b.example/simple constraints.txt",
			"https://c.example/simple Pipfile"}, []string{"requirements-dev.in", "constraints.txt", "Pipfile"}},
		{"settings of pdm, poetry and hatch", map[string]string{"pdm.toml": `
[pypi]
url = "https://a.example/simple"
[pypi.extra]
url = "https://b.example/simple"
[repository.up]
url = "https://c.example/upload"
`, "poetry.toml": "[repositories.up]\nurl = \"https://d.example/upload\"\n", "hatch.toml": `
[envs.default.env-vars]
UV_INDEX = "acme=https://e.example/simple https://f.example/simple"
OTHER = "https://no.example/simple"
[envs.test]
env-vars = {PIP_INDEX_URL = "https://g.example/simple"}
`}, "", []string{"https://a.example/simple pdm.toml", "https://b.example/simple pdm.toml",
			"https://c.example/upload pdm.toml", "https://d.example/upload poetry.toml", "https://e.example/simple hatch.toml",
			"https://f.example/simple hatch.toml", "https://g.example/simple hatch.toml"},
			[]string{"pdm.toml", "poetry.toml", "hatch.toml"}},
		{"settings of other forms", map[string]string{"pdm.toml": "pypi = 1\nrepository = [1]\n",
			"poetry.toml": "repositories = [{url = 1}]\n", "hatch.toml": "envs = [1]\n[x]\n",
			"Pipfile": "source = {url = \"https://no.example\"}\n"}, "", nil, nil},
		{"more of conda", map[string]string{"environment-dev.yaml": "channels:\n- https://a.example/acme\n", ".mambarc": `
custom_channels:
  acme: https://b.example/conda/
  "other": 'https://c.example' # a comment
channels: [conda-forge]
`}, "", []string{"https://a.example/acme environment-dev.yaml", "https://b.example/conda/acme .mambarc",
			"https://c.example/other .mambarc"}, []string{"environment-dev.yaml", ".mambarc"}},
		{"conda", map[string]string{"environment.yml": `
name: acme
channels:
  - conda-forge
  # - https://no.example/acme
  - "https://a.example/acme" # ours
dependencies:
  - https://no.example/acme
`, ".condarc": `
channel_alias: https://b.example
channels: [acme, 'https://c.example/acme']
default_channels:
- https://d.example/acme
`}, "", []string{"https://a.example/acme environment.yml", "https://b.example/acme .condarc",
			"https://c.example/acme .condarc", "https://d.example/acme .condarc"}, []string{"environment.yml", ".condarc"}},
		{"maven, nuget, bundler and composer", map[string]string{"pom.xml": `<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"><url>https://no.example/home</url>
<repositories><repository><id>a</id><url>https://a.example/maven</url></repository></repositories>
<!-- <repository><url>https://no.example/maven</url></repository> -->
<profiles><profile><pluginRepositories><pluginRepository><url> https://b.example/maven </url></pluginRepository>
</pluginRepositories></profile></profiles></project>`, "NuGet.Config": `<configuration><packageSources><clear/>
<add key="ours" value="https://c.example/v3/index.json"/><add key="here" value="./local"/></packageSources>
<other><add key="x" value="https://no.example"/></other></configuration>`, "Gemfile": `
source "https://d.example/gems"
# source "https://no.example/gems"
source('https://e.example/gems') do
  gem "x", source: "https://no.example/gems"
end
`, "composer.json": `{"repositories": {"packagist.org": false,
"a": {"type": "composer", "url": "https://f.example/php"},
"b": {"type": "vcs", "url": "https://no.example/git"}}}`}, "", []string{"https://a.example/maven pom.xml",
			"https://b.example/maven pom.xml", "https://c.example/v3/index.json NuGet.Config",
			"https://d.example/gems Gemfile", "https://e.example/gems Gemfile", "https://f.example/php composer.json"},
			[]string{"pom.xml", "NuGet.Config", "Gemfile", "composer.json"}},
		{"npm", map[string]string{".npmrc": `
; registry=https://no.example/npm
registry = "https://a.example/npm/" ; ours
@acme:registry=https://b.example/npm
//c.example/:_authToken=${TOKEN}
registry=https://registry.npmjs.org/
[x]
registry=https://no.example/npm
`, ".yarnrc": "registry \"https://d.example/npm\"\n\"@acme:registry\" https://e.example/npm\nlastUpdateCheck 1\n",
			".yarnrc.yml": `
npmRegistryServer: "https://f.example/npm" # ours
# npmRegistryServer: https://no.example/npm
npmScopes:
  acme:
    npmRegistryServer: https://g.example/npm
npmRegistries:
  "//h.example/npm":
    npmAlwaysAuth: true
  https://i.example/npm:
    npmAuthToken: "${TOKEN-}"
`, "package.json": `{"publishConfig": {"registry": "https://j.example/npm", "access": "public", "@acme:registry": 1}}`,
			"bunfig.toml": "[install]\nregistry = \"https://k.example/npm\"\n[install.scopes]\n" +
				"acme = {url = \"https://l.example/npm\"}\n\"@b\" = \"https://m.example/npm\"\n",
		}, "", []string{"https://a.example/npm/ .npmrc", "https://b.example/npm .npmrc", "https://d.example/npm .yarnrc",
			"https://e.example/npm .yarnrc", "https://f.example/npm .yarnrc.yml", "https://g.example/npm .yarnrc.yml",
			"https://h.example/npm .yarnrc.yml", "https://i.example/npm .yarnrc.yml", "https://k.example/npm bunfig.toml",
			"https://m.example/npm bunfig.toml", "https://l.example/npm bunfig.toml", "https://j.example/npm package.json"},
			[]string{".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "package.json"}},
		{"cargo and go", map[string]string{".cargo/config.toml": `
[registries.acme]
index = "sparse+https://a.example/index/"
[registries.git]
index = "https://no.example/index"
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "sparse+https://b.example/index/"
`, ".cargo/config": "[registries]\nold = { index = \"sparse+https://c.example/index/\" }\n",
			"go.env": "GOPROXY=https://d.example/go,https://e.example/go|direct\nGOFLAGS=-mod=mod\n",
		}, "", []string{"https://a.example/index/ .cargo/config.toml", "https://b.example/index/ .cargo/config.toml",
			"https://c.example/index/ .cargo/config", "https://d.example/go go.env", "https://e.example/go go.env"},
			[]string{".cargo/config.toml", ".cargo/config", "go.env"}},
		{"what names nothing marks no project", map[string]string{"docs/requirements.txt": "sphinx\n",
			"uv.toml": `index-url = "https://a.example/simple"`}, "docs",
			[]string{"https://a.example/simple uv.toml"}, []string{"uv.toml"}},
		{"not above the repository", map[string]string{"uv.toml": `index-url = "https://no.example/simple"`,
			"repo/.git/HEAD": "", "repo/sub/x": ""}, "repo/sub", nil, nil},
		{"each once, from the first file", map[string]string{"regpass.toml": `registry = ["https://a.example/simple"]`,
			"uv.toml": `index-url = "https://a.example/simple"`}, "",
			[]string{"https://a.example/simple regpass.toml"}, []string{"regpass.toml", "uv.toml"}},
		{"the nearest folder above", map[string]string{"uv.toml": `index-url = "https://far.example/simple"`,
			"near/uv.toml": `index-url = "https://near.example/simple"`, "near/deep/er/x": ""}, "near/deep/er",
			[]string{"https://near.example/simple near/uv.toml"}, []string{"near/uv.toml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			if refs, paths := find(t, dir, tt.dir); !slices.Equal(refs, tt.want) || !slices.Equal(paths, tt.paths) {
				t.Errorf("refs %q\nof %q", refs, paths)
			}
		})
	}
}

// at is a process in a folder, with variables.
func at(dir string, vars map[string]string) *regpass.Env {
	return &regpass.Env{Dir: dir, Getenv: func(name string) string { return vars[name] }}
}

// find lists the refs that the project around root/dir names, each with its file and its name, and the files. Paths are
// relative to root.
func find(t *testing.T, root, dir string) (refs, paths []string) {
	t.Helper()
	all, err := project.Find(at(filepath.Join(root, dir), nil))
	if err != nil {
		t.Fatal(err)
	}
	below := func(path string) string {
		return filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
	}
	for _, r := range all.Refs {
		refs = append(refs, strings.TrimSpace(r.String()+" "+below(r.Origin)+" "+r.Options["name"]))
		if r.Trusted {
			t.Errorf("%s is trusted", r)
		}
	}
	for _, f := range all.Paths {
		paths = append(paths, below(f))
	}
	return refs, paths
}

func TestRefsErrors(t *testing.T) {
	for _, tt := range []struct{ name, file, text, err string }{
		{"no TOML", "uv.toml", "index-url = \n", "project: "},
		{"no ref of ours", "regpass.toml", `registry = ["http://plain.example/simple"]`, "http"},
		{"too many", "requirements.txt", hundred(), "requirements.txt and others name more than 100 registries"},
		{"too large", "uv.toml", "#" + strings.Repeat("x", 1<<20), "uv.toml: "},
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{tt.file: tt.text})
		found, err := project.Find(at(dir, nil))
		if err == nil || !strings.Contains(err.Error(), tt.err) || found.Refs != nil {
			t.Errorf("%s: %+v, error %v", tt.name, found, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "uv.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := project.Find(at(dir, nil)); err == nil || !strings.Contains(err.Error(), "is not a plain file") {
		t.Errorf("a folder: %v", err)
	}
}

// hundred names a hundred registries and one.
func hundred() string {
	var b strings.Builder
	for i := range 101 {
		fmt.Fprintf(&b, "--extra-index-url https://h%d.example/simple\n", i)
	}
	return b.String()
}

func TestFewFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"uv.toml": `index-url = "https://a.example/simple"`}
	for i := range 100 {
		files[fmt.Sprintf("requirements%03d.txt", i)] = "acme"
	}
	write(t, dir, files)
	found, err := project.Find(at(dir, nil))
	if err != nil || len(found.Refs) != 1 {
		t.Errorf("%v, %v", found.Refs, err)
	}
	wantLeft(t, found, fmt.Sprintf("%q is passed over: there are more than 64 files beside it that may name registries",
		filepath.Join(dir, "requirements063.txt")))
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"uv.toml": `index-url = "https://a.example/simple"`,
		"ours.toml": `registry = ["https://b.example/simple"]`})
	for name, want := range map[string]string{
		"uv.toml": "https://a.example/simple", "ours.toml": "https://b.example/simple",
	} {
		path := filepath.Join(dir, name)
		found, err := project.Config(path)
		refs := found.Refs
		if err != nil || len(refs) != 1 || refs[0].String() != want || refs[0].Origin != path || refs[0].Trusted {
			t.Errorf("%s: %v, %v", name, refs, err)
		}
	}
	_, err := project.Config(filepath.Join(dir, "missing.toml"))
	if err == nil || !strings.HasPrefix(err.Error(), "config: ") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestVariables(t *testing.T) {
	found, err := project.Find(at(t.TempDir(), map[string]string{
		"UV_INDEX":            "acme=https://a.example/simple https://b.example/simple?x=1=2",
		"UV_DEFAULT_INDEX":    "https://c.example/simple",
		"PIP_EXTRA_INDEX_URL": "https://c.example/simple https://ci:hunter2@d.example/simple",
	}))
	var refs []string
	for _, r := range found.Refs {
		refs = append(refs, r.String()+" "+r.Origin)
		if r.Trusted {
			t.Errorf("%s is trusted", r)
		}
	}
	want := []string{"https://c.example/simple the variable UV_DEFAULT_INDEX",
		"https://a.example/simple the variable UV_INDEX"}
	if err != nil || !slices.Equal(refs, want) || len(found.Paths) > 0 {
		t.Errorf("%q of %q, %v", refs, found.Paths, err)
	}
	wantLeft(t, found, `the variable UV_INDEX: "b.example" is left out: its URL cannot be a registry's`,
		`the variable PIP_EXTRA_INDEX_URL: "d.example" is left out: its URL holds a user name or a password`)
}

// TestOtherVariables are those of go, npm and cargo.
func TestOtherVariables(t *testing.T) {
	env := at(t.TempDir(), map[string]string{"GOPROXY": "https://a.example/go|https://ci:hunter2@b.example,direct,off",
		"npm_config_registry": "https://c.example/npm/"})
	env.Environ = []string{"CARGO_REGISTRIES_MY_OWN_INDEX=sparse+https://d.example/index/",
		"CARGO_REGISTRIES_GIT_INDEX=https://no.example/git", "CARGO_REGISTRIES_X_TOKEN=hunter2"}
	found, err := project.Find(env)
	var refs []string
	for _, r := range found.Refs {
		refs = append(refs, r.String()+" "+r.Origin)
		if r.Trusted {
			t.Errorf("%s is trusted", r)
		}
	}
	want := []string{"https://a.example/go the variable GOPROXY",
		"https://c.example/npm/ the variable npm_config_registry",
		"https://d.example/index/ the variable CARGO_REGISTRIES_MY_OWN_INDEX"}
	if err != nil || !slices.Equal(refs, want) {
		t.Errorf("%q, %v", refs, err)
	}
	names := []regpass.Named{{Client: "npm", Name: "registry", URL: "https://c.example/npm/"},
		{Client: "cargo", Name: "MY_OWN", URL: "https://d.example/index/"}}
	if !slices.Equal(found.Names, names) {
		t.Errorf("names %v", found.Names)
	}
	wantLeft(t, found, `the variable GOPROXY: "b.example" is left out: its URL holds a user name or a password`)
}

// TestHostileNPM: what is no registry, or no file of the kind, names nothing and stops nothing.
func TestHostileNPM(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for name, text := range map[string]string{
		"package.json": `{"publishConfig": ` + deep,
		".npmrc":       "registry\n=\n@:registry=\n[\nregistry=https://no.example\n\x00",
		".yarnrc":      `"registry`, ".yarnrc.yml": ":\n  npmRegistryServer:\nnpmRegistries:\n  ://x:\n  \"//\":\n" + deep,
		"go.env": "GOPROXY=\nGOPROXY=,|,://\n",
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{name: text, "uv.toml": `index-url = "https://a.example/simple"`})
		found, err := project.Find(at(dir, nil))
		if err != nil || len(found.Refs) != 1 {
			t.Errorf("%s: %v, %v", name, found.Refs, err)
		}
	}
}

// wantLeft compares what was passed over, and looks for secrets in it.
func wantLeft(t *testing.T, found project.Found, want ...string) {
	t.Helper()
	var left []string
	for _, err := range found.Left {
		left = append(left, err.Error())
		if text := fmt.Sprint(err, regpass.Hints(err)); strings.Contains(text, "hunter2") {
			t.Errorf("shown: %s", text)
		}
	}
	if !slices.Equal(left, want) {
		t.Errorf("left out:\n%s", strings.Join(left, "\n"))
	}
}

// TestTooManyNames holds that a file's names are few or none: clients compare each with others, and set variables.
func TestTooManyNames(t *testing.T) {
	const most = 500
	path := filepath.Join(t.TempDir(), "nuget.config")
	for n, want := range map[int]int{most: most, most + 1: 0} {
		text := "<configuration><packageSources>" + strings.Repeat(`<add key="a" value="https://h.test/"/>`, n) +
			"</packageSources></configuration>"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := project.Config(path); err != nil || len(found.Names) != want {
			t.Errorf("%d names: %d, %v", n, len(found.Names), err)
		}
	}
}

// TestMalformedFilesOfOthers holds that a malformed file of another program hides nothing that another file names.
func TestMalformedFilesOfOthers(t *testing.T) {
	for name, text := range map[string]string{"pom.xml": "<project>hunter2", "nuget.config": "<a>", "composer.json": "{",
		".cargo/config.toml": "[", "bunfig.toml": "="} {
		dir := t.TempDir()
		write(t, dir, map[string]string{name: text, "uv.toml": `index-url = "https://a.example/simple"`})
		found, err := project.Find(at(dir, nil))
		said := fmt.Sprint(found.Left)
		if err != nil || len(found.Refs) != 1 || len(found.Left) != 1 ||
			!strings.Contains(said, name+`" is passed over: `) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %v, %v, %v", name, found.Refs, found.Left, err)
		}
	}
}

// What is left out is said by its host. All else in a URL may be a secret.
func TestWhatIsLeftOutIsSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"uv.toml": `
extra-index-url = ["https://__token__:hunter2@a.example/simple", "http://b.example/hunter2",
	"https://c.example/t/hunter2/acme", "https://d.example/simple?token=hunter2", "https://$HUNTER2/hunter2",
	"./hunter2", "file:///hunter2", "hunter2"]
`})
	path := filepath.Join(dir, "uv.toml")
	found, err := project.Find(at(dir, nil))
	if err != nil || len(found.Refs) > 0 {
		t.Errorf("%v, %v", found.Refs, err)
	}
	wantLeft(t, found, path+`: "a.example" is left out: its URL holds a user name or a password`,
		path+`: "b.example" is left out: http is spoken only to this machine`,
		path+`: "c.example" is left out: its URL holds a token`,
		path+`: "d.example" is left out: its URL cannot be a registry's`,
		path+`: "$HUNTER2" is left out: its URL cannot be a registry's`)
}

// A link to a file of secrets gives away nothing of it.
func TestErrorsShowNothingOfAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{".git/HEAD": "", ".env": "API_KEY=hunter2-secret\n", "sub/x": ""})
	if err := os.Symlink("../.env", filepath.Join(dir, "sub", "regpass.toml")); err != nil {
		t.Fatal(err)
	}
	_, err := project.Find(at(filepath.Join(dir, "sub"), nil))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "line 1 is not TOML") {
		t.Errorf("%v", err)
	}
}
