package inject

import (
	"slices"
	"strings"
	"testing"
)

// sh is how BuildKit runs the shell form of RUN.
func sh(text string) []string { return []string{"/bin/sh", "-c", text} }

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // clients, and "script"
	}{
		{sh("uv sync"), "uv"},
		{sh("uvx ruff check"), "uv"},
		{sh("pip install x"), "pip"},
		{sh("pip3.12 install x"), "pip"},
		{sh("/opt/venv/bin/pip install x"), "pip"},
		{sh(`"$VIRTUAL_ENV"/bin/pip install x`), "pip"},
		{sh(`p\ip "install" x`), "pip"},
		{sh("python -m pip install x"), "pip"},
		{sh("python3.12 -I -X utf8 -W ignore -m pip install x"), "pip"},
		{sh("python -mpip install x"), "pip"},
		{sh("python -m build"), "build"},
		{sh("build .  ; pip_audit; pipe"), ""},
		{sh("pypy3 -m uv sync"), "uv"},
		{sh("pipx install x && poetry install || pdm sync; hatch env create"), "pipx poetry pdm hatch"},
		{sh("pixi install --locked"), "pixi"},
		{sh("conda install -y x & micromamba install x & mamba install x"), "conda mamba"},
		{sh("rattler-build build"), "rattler-build"},
		{sh("UV_LINK_MODE=copy uv sync"), "uv"},
		{sh("X=1 Y=2"), ""},
		{sh("env -i A=b -u C pip install x"), "pip"},
		{sh("exec uv sync"), "uv"},
		{sh("time -p uv sync"), "uv"},
		{sh("sudo -H -u app -- pip install x"), "pip"},
		{sh("sudo -u pip true"), ""},
		{sh("timeout -s KILL 5m uv sync"), "uv"},
		{sh("nice -n 5 ionice -c 3 uv sync"), "uv"},
		{sh("cat r.txt | xargs -n 1 pip install"), "pip"},
		{sh("busybox sh -c 'uv sync'"), "uv"},
		{sh(`bash -c "uv sync"`), "uv"},
		{sh(`bash -euo pipefail -c "cd /x && uv sync"`), "uv"},
		{sh(`su app -c 'pip install x'`), "pip"},
		{sh(`eval "pip install x"`), "pip"},
		{sh("set -e\nif true; then\n  for i in a b; do uv pip install $i; done\nfi"), "uv"},
		{sh("f() { pip install x; }; f"), "pip"},
		{sh("(cd /x; x=$(pip config list))"), "pip"},
		{sh("! uv sync"), "uv"},
		{sh("bash <<EOF\nuv sync\nEOF"), "uv"},
		{sh("bash -x <<'EOF'\nuv sync\nEOF\n"), "uv"},
		{sh("cat <<EOF\nuv sync\nEOF"), ""},
		{sh("conda run --no-capture-output -n base uv sync"), "conda uv"},
		{sh("pixi run -e dev pip install x"), "pixi pip"},
		{sh("uv run --with a pip install x"), "uv pip"},
		{sh("echo pip install x"), ""},
		{sh("apt-get install -y python3-pip"), ""},
		{sh("rm -rf ~/.cache/pip /root/uv"), ""},
		{sh("# pip install x"), ""},
		{sh(""), ""},
		{[]string{"pip", "install", "x"}, "pip"},
		{[]string{"/usr/local/bin/uv", "sync"}, "uv"},
		{[]string{"/bin/bash", "-eo", "pipefail", "-c", "uv sync"}, "uv"},
		{[]string{"/bin/bash", "-o", "pipefail", "-c", "uv sync"}, "uv"},
		{[]string{"/bin/bash", "--norc", "-lc", "uv sync"}, "uv"},
		{[]string{"sh", "-c"}, ""},
		{nil, ""},

		{sh("./install.sh"), "script"},
		{sh("sh install.sh"), "script"},
		{sh("bash -ex -- install.sh"), "script"},
		{sh(". venv/bin/activate && pip install x"), "pip script"},
		{sh("python setup.py install"), "script"},
		{sh("python -c 'print(1)'"), ""},
		{sh("python - <<EOF\nEOF"), ""},
		{sh("make deps"), "script"},
		{sh("python -m nox -s test"), "script"},
		{sh("$PIP install x"), "script"},
		{sh("/usr/bin/apt-get update"), ""},
		{[]string{"/dev/pipes/EOF"}, "script"},
		{[]string{"/app/install"}, "script"},
	} {
		u := usageOf(c.args)
		var got []string
		for _, r := range u.rules {
			got = append(got, r.Client)
		}
		if u.scripts {
			got = append(got, "script")
		}
		if want := strings.Fields(c.want); !slices.Equal(got, want) || u.unread != nil {
			t.Errorf("%q uses %q, not %q; %v", c.args, got, want, u.unread)
		}
	}
}

func TestUsageUnreadable(t *testing.T) {
	for text, want := range map[string]string{
		"uv sync 'open":                          "line 1: ",
		"uv sync\nfi":                            "line 2: ",
		"uv sync " + strings.Repeat("x", 32<<10): "it has more than 32768 bytes",
	} {
		u := usageOf(sh(text))
		if u.unread == nil || !strings.HasPrefix(u.unread.Error(), want) {
			t.Errorf("%.40q: %v", text, u.unread)
		}
	}
}

func TestNestingEnds(t *testing.T) {
	args := []string{"uv"}
	for range 100 {
		args = append([]string{"env"}, args...)
	}
	if u := usageOf(args); len(u.rules) > 0 {
		t.Errorf("found %v", u.rules)
	}
	for _, open := range []string{"{ ", "$(", "`", "if ", `"$(`, "((", "[[ ! "} {
		usageOf(sh(strings.Repeat(open, maxScript/len(open))))
	}
}

func FuzzRules(f *testing.F) {
	for _, text := range []string{"uv sync", "sh -c 'pip install x'", "bash <<EOF\nuv sync\nEOF", "env -u", "sudo -u",
		"timeout 5", "conda run", "python -m", "su -c", "-m", "$(", "a\\"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := usageOf(sh(text))
		if len(u.rules) > len(Rules) {
			t.Errorf("%d clients", len(u.rules))
		}
		again := usageOf(sh(text))
		if len(again.rules) != len(u.rules) || again.scripts != u.scripts {
			t.Errorf("%v, then %v", u, again)
		}
		usageOf(strings.Fields(text))
	})
}
