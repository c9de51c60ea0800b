package clients

import (
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

func TestUploaders(t *testing.T) {
	const token = "pypi-AgEI"
	pypi := handOver(t, "https://upload.pypi.org/legacy/", regpass.Basic, "__token__", token)
	own := handOver(t, "https://h.test/api/pypi/repo", regpass.Basic, "ci", "p4ss")
	index := handOver(t, "https://h.test/api/pypi/repo/simple", regpass.Basic, "ci", "p4ss")
	bearer := handOver(t, "https://b.test/up", regpass.Bearer, "", token)
	host := handOver(t, "pyx.dev", regpass.Bearer, "__token__", token)
	conda := handOver(t, "https://c.test/channel", regpass.CondaToken, "", token)
	const twineOwn = "TWINE_REPOSITORY_URL=https://h.test/api/pypi/repo TWINE_NON_INTERACTIVE=1 TWINE_USERNAME=ci " +
		"TWINE_PASSWORD=p4ss"
	const twinePyPI = "TWINE_REPOSITORY_URL=https://upload.pypi.org/legacy/ TWINE_NON_INTERACTIVE=1 " +
		"TWINE_USERNAME=__token__ TWINE_PASSWORD=" + token
	for _, tt := range []struct {
		command string
		env     map[string]string
		entries []envsync.Entry
		want    string // the variables, or a part of the warning, which begins with ?
	}{
		{"twine upload dist/x", nil, []envsync.Entry{own}, twineOwn},
		{"uvx twine upload dist/x", nil, []envsync.Entry{own, index, conda, host}, twineOwn},
		{"python -m twine upload dist/x", nil, []envsync.Entry{pypi}, twinePyPI},
		{"twine upload -r pypi x", nil, []envsync.Entry{own, pypi}, twinePyPI},
		{"twine upload x", map[string]string{"TWINE_REPOSITORY": "pypi"}, []envsync.Entry{own, pypi}, twinePyPI},
		{"twine upload --repository-url=https://h.test/api/pypi/repo x", nil, []envsync.Entry{own, pypi}, twineOwn},
		{"twine upload x", map[string]string{"TWINE_REPOSITORY_URL": "https://h.test/api/pypi/repo"},
			[]envsync.Entry{own, pypi}, twineOwn},
		{"twine upload x", nil, []envsync.Entry{bearer}, "TWINE_REPOSITORY_URL=https://b.test/up TWINE_NON_INTERACTIVE=1 " +
			"TWINE_USERNAME=__token__ TWINE_PASSWORD=" + token},
		{"twine upload x", nil, []envsync.Entry{own, pypi}, "?may both be where to upload to"},
		{"twine upload x", nil, []envsync.Entry{index}, "?no registry is the URL"},
		{"twine upload x", nil, []envsync.Entry{host}, "?no registry is the URL"},
		{"twine upload -r testpypi x", nil, []envsync.Entry{pypi}, `?"test.pypi.org"`},
		{"twine upload -r mine x", nil, []envsync.Entry{pypi}, "?the server of that name"},
		{"twine upload --repository-url https://u:s3cret@h.test:99/ x", nil, []envsync.Entry{own}, `?"h.test:99"`},
		{"twine upload --repository-url http://h.test/api/pypi/repo x", nil, []envsync.Entry{own}, `?"h.test"`},
		{"twine upload -u me x", nil, []envsync.Entry{own}, ""},
		{"twine upload x", map[string]string{"TWINE_PASSWORD": "mine"}, []envsync.Entry{own}, ""},
		{"uv publish", nil, []envsync.Entry{pypi},
			"UV_PUBLISH_URL=https://upload.pypi.org/legacy/ UV_PUBLISH_TOKEN=" + token},
		{"uv publish", nil, []envsync.Entry{own},
			"UV_PUBLISH_URL=https://h.test/api/pypi/repo UV_PUBLISH_USERNAME=ci UV_PUBLISH_PASSWORD=p4ss"},
		{"uv publish --index mine", nil, []envsync.Entry{own}, ""},
		{"uv publish --trusted-publishing always", nil, []envsync.Entry{own}, ""},
		{"uv publish", map[string]string{"UV_PUBLISH_TOKEN": "mine"}, []envsync.Entry{own}, ""},
		{"hatch publish", nil, []envsync.Entry{own},
			"HATCH_INDEX_REPO=https://h.test/api/pypi/repo HATCH_INDEX_USER=ci HATCH_INDEX_AUTH=p4ss"},
		{"hatch publish -r main", nil, []envsync.Entry{pypi, own},
			"HATCH_INDEX_REPO=https://upload.pypi.org/legacy/ HATCH_INDEX_USER=__token__ HATCH_INDEX_AUTH=" + token},
		{"pdm publish", nil, []envsync.Entry{own},
			"PDM_PUBLISH_REPO=https://h.test/api/pypi/repo PDM_PUBLISH_USERNAME=ci PDM_PUBLISH_PASSWORD=p4ss"},
		{"poetry publish", nil, []envsync.Entry{pypi, own}, "POETRY_PYPI_TOKEN_PYPI=" + token},
		{"poetry publish", nil, []envsync.Entry{own}, `?"upload.pypi.org"`},
		{"poetry publish -r my-repo2", nil, []envsync.Entry{own}, "POETRY_REPOSITORIES_MY_REPO2_URL=" +
			"https://h.test/api/pypi/repo POETRY_HTTP_BASIC_MY_REPO2_USERNAME=ci POETRY_HTTP_BASIC_MY_REPO2_PASSWORD=p4ss"},
		{"poetry publish -r pypi", nil, []envsync.Entry{own}, "POETRY_REPOSITORIES_PYPI_URL=" +
			"https://h.test/api/pypi/repo POETRY_HTTP_BASIC_PYPI_USERNAME=ci POETRY_HTTP_BASIC_PYPI_PASSWORD=p4ss"},
		{"poetry publish -r a=b", nil, []envsync.Entry{own}, "?no variable can have the name"},
	} {
		command := strings.Fields(tt.command)
		i := slices.IndexFunc(All, func(s envsync.Sink) bool { return len(s.Runs) > 0 && Runs(command, s.Runs) })
		if i < 0 {
			t.Fatalf("%s: no sink is for it", tt.command)
		}
		p, err := All[i].Plan(testenv.New(t, tt.env), t.TempDir(), tt.entries,
			envsync.Options{ByChance: true, Command: command})
		var got []string
		for _, v := range p.Vars {
			got = append(got, v.Name+"="+v.Value())
		}
		for _, w := range p.Warnings {
			got = append(got, "?"+w)
			if strings.Contains(w, token) || strings.Contains(w, "s3cret") || strings.Contains(w, "p4ss") {
				t.Errorf("%s: %s", tt.command, w)
			}
		}
		all := strings.Join(got, " ")
		part, warns := strings.CutPrefix(tt.want, "?")
		if err != nil || warns && !(strings.HasPrefix(all, "?") && strings.Contains(all, part)) || !warns && all != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.command, all, err, tt.want)
		}
	}
	for _, command := range []string{"twine check", "upload twine", "uv sync", "poetry install", ""} {
		for _, s := range All {
			if len(s.Runs) > 0 && Runs(strings.Fields(command), s.Runs) {
				t.Errorf("%s is taken for %s", command, s.Name)
			}
		}
	}
}

func TestPoetry(t *testing.T) {
	own := handOver(t, "https://h.test/a/simple", regpass.Basic, "ci", "p4ss")
	other := handOver(t, "https://h.test/b/simple", regpass.Basic, "ci2", "w0rd")
	named := func(pairs ...string) (all []regpass.Named) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, regpass.Named{Client: "poetry", Name: pairs[i], URL: pairs[i+1]})
		}
		return all
	}
	poetry, err := Find("poetry")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names   []regpass.Named
		command []string
		want    string // the variables, or a part of the error
	}{
		{named("my-idx", "https://h.test/a/simple/", "b", "https://h.test/b/simple/"), nil,
			"POETRY_HTTP_BASIC_B_USERNAME=ci2 POETRY_HTTP_BASIC_B_PASSWORD=w0rd " +
				"POETRY_HTTP_BASIC_MY_IDX_USERNAME=ci POETRY_HTTP_BASIC_MY_IDX_PASSWORD=p4ss"},
		{named("my.idx", "https://h.test/a/simple/", "evil", "https://evil.test/a/simple/"), []string{"poetry"},
			"POETRY_HTTP_BASIC_MY.IDX_USERNAME=ci POETRY_HTTP_BASIC_MY.IDX_PASSWORD=p4ss"},
		{named("my.idx", "https://h.test/a/simple/"), nil, "no shell can export"},
		{named("a b", "https://h.test/a/simple/"), nil, "no variable can have the name"},
		{named("a-b", "https://h.test/a/simple/", "a_b", "https://h.test/b/simple/"), nil, "have the same variables"},
		{named("a", "https://h.test:8443/a/simple/", "b", "http://h.test/a/simple"), nil, "no source"},
		{nil, nil, "no source"},
	} {
		p, err := poetry.Plan(testenv.New(t, nil), t.TempDir(), []envsync.Entry{own, other},
			envsync.Options{Names: tt.names, Command: tt.command})
		var got []string
		for _, v := range p.Vars {
			got = append(got, v.Name+"="+v.Value())
		}
		if err != nil {
			testenv.WantError(t, err, "p4ss", tt.want)
		} else if all := strings.Join(got, " "); all != tt.want {
			t.Errorf("%v: %q, want %q", tt.names, all, tt.want)
		}
	}
}
