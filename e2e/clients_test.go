//go:build clients

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/sample"
)

// clients are the programs that the scripts run: variable and path, which is in the folder that ./check fills and names
// in REGPASS_CLIENTS, or the system's own.
var clients = [][2]string{
	{"UV_OLD", "uv-0.12.5/bin/uv"}, // the last that speaks pyx
	{"UV_NEW", "uv/bin/uv"},
	{"PIP", "pip/bin/pip"},
	{"PYTHON", "pip/bin/python"},
	{"TWINE", "twine/bin/twine"},
	{"POETRY", "poetry/bin/poetry"},
	{"PDM", "pdm/bin/pdm"},
	{"HATCH", "hatch/bin/hatch"},
	{"RATTLER_PYTHON", "rattler/bin/python"},
	{"NPM", "bin/npm"},
	{"NPM11", "bin/npm-11"},
	{"PNPM", "bin/pnpm"},
	{"PNPM10", "bin/pnpm-10"},
	{"YARN1", "bin/yarn-1"},
	{"BERRY", "bin/yarn"},
	{"BUN", "bin/bun"},
	{"NODE", "bin/node"},
	{"RUST_CARGO", "bin/cargo"},
	{"SYSTEM_PYTHON", "/usr/bin/python3"},
	{"CURL", "/usr/bin/curl"},
}

// clientSettings keep clients to what a script says. They would otherwise read the machine's settings, keep files
// outside of the script's folder, ask a person or look for a new version of themselves.
var clientSettings = map[string]string{
	"NO_COLOR":                "1",
	"PDM_CHECK_UPDATE":        "0",
	"PDM_USE_VENV":            "0",
	"PIP_CONFIG_FILE":         os.DevNull,
	"PIP_NO_INPUT":            "1",
	"PIP_NO_DEPS":             "1",
	"PIP_PROGRESS_BAR":        "off",
	"POETRY_NO_INTERACTION":   "1",
	"TWINE_NON_INTERACTIVE":   "1",
	"UV_NO_CONFIG":            "1",
	"UV_NO_PROGRESS":          "1",
	"UV_PYTHON":               "/usr/bin/python3",
	"UV_PYTHON_DOWNLOADS":     "never",
	"PYTHONDONTWRITEBYTECODE": "1",
	"PYTHON_KEYRING_BACKEND":  "keyring.backends.null.Keyring",

	"PIP_DISABLE_PIP_VERSION_CHECK": "1",

	"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false",
	"YARN_ENABLE_TELEMETRY": "false", "YARN_ENABLE_GLOBAL_CACHE": "false", "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
	"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "CARGO_NET_RETRY": "0",
}

// clientFolders are variables that name folders of the script's own.
var clientFolders = map[string]string{
	"PIP_CACHE_DIR":       "pip-cache",
	"UV_CACHE_DIR":        "uv-cache",
	"UV_CREDENTIALS_DIR":  "uv-credentials",
	"PYX_CREDENTIALS_DIR": "pyx-credentials",
	"POETRY_CONFIG_DIR":   "poetry-config",
	"POETRY_CACHE_DIR":    "poetry-cache",
	"PDM_CACHE_DIR":       "pdm-cache",
	"HATCH_DATA_DIR":      "hatch-data",
	"HATCH_CACHE_DIR":     "hatch-cache",
	"XDG_CACHE_HOME":      "cache",
	"CARGO_HOME":          "cargo",
	"GOPATH":              "go",
	"npm_config_cache":    "npm-cache",
}

// TestClients runs the scripts in testdata/clients, which run with real package clients.
func TestClients(t *testing.T) {
	paths := clientPaths(t)
	runScripts(t, "clients", func(e *testscript.Env) error {
		if err := setup(e); err != nil {
			return err
		}
		return setupClients(e, paths)
	}, clientCommands, packageCommands)
}

// clientPaths finds the clients: variable and path.
func clientPaths(t *testing.T) map[string]string {
	t.Helper()
	folder := os.Getenv("REGPASS_CLIENTS")
	if folder == "" {
		t.Fatal("REGPASS_CLIENTS does not say where the clients are; ./check installs them and sets it")
	}
	paths := map[string]string{}
	for _, c := range clients {
		path := c[1]
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		if _, err := exec.LookPath(path); err != nil {
			t.Errorf("a client is missing; ./check installs it: %v", err)
		}
		paths[c[0]] = path
	}
	if t.Failed() {
		t.FailNow()
	}
	script, err := filepath.Abs(testdata("clients/rattler.py"))
	if err != nil {
		t.Fatal(err)
	}
	paths["RATTLER"] = script
	paths["NPM_INI"] = filepath.Join(folder, "npm/node_modules/npm/node_modules/ini")
	return paths
}

// setupClients gives a script that was set up the clients, and a proxy on this machine as its internet.
func setupClients(e *testscript.Env, paths map[string]string) error {
	f := e.Values[fixtureKey{}].(*fixture)
	outside := newInternet(f.url)
	e.Values[internetKey{}] = outside
	proxy, err := f.servers.Start(context.Background(), outside)
	if err != nil {
		return err
	}
	t := e.T().(interface {
		Errorf(format string, args ...any)
	})
	e.Defer(func() {
		for _, host := range outside.unknownHosts() {
			t.Errorf("a client asked %s", host)
		}
	})
	for _, vars := range []map[string]string{paths, clientSettings, {
		"ISSUER": f.issuer.URL, "KEY_SHA256": f.keySum,
		// Some programs know one spelling, some the other.
		"http_proxy": proxy, "https_proxy": proxy, "no_proxy": "127.0.0.1,localhost",
		"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost",
	}} {
		for name, value := range vars {
			e.Setenv(name, value)
		}
	}
	for name, folder := range clientFolders {
		e.Setenv(name, filepath.Join(e.WorkDir, folder))
	}
	return nil
}

// clientCommands are the commands of scripts with package clients.
var clientCommands = scriptCommands{
	// wheel NAME VERSION FOLDER: makes a wheel there.
	"wheel": func(ts *testscript.TestScript, neg bool, args []string) {
		name, content, err := sample.Wheel(args[0], args[1])
		ts.Check(err)
		folder := ts.MkAbs(args[2])
		ts.Check(os.MkdirAll(folder, 0o755))
		ts.Check(os.WriteFile(filepath.Join(folder, name), content, 0o644))
	},
	// transcript COMMAND FILE: the README shows the command, and with it what the file holds, but for numbers.
	"transcript": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(transcript(args[0], ts.ReadFile(args[1])))
	},
	// recipe MARK FILE: writes the commands of the README's recipe that holds the mark to the file.
	"recipe": func(ts *testscript.TestScript, neg bool, args []string) {
		lines, err := readmeRecipe(args[0])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(lines), 0o644))
	},
	// port VARIABLE: sets the variable to a port that nobody listens on.
	"port": func(ts *testscript.TestScript, neg bool, args []string) {
		port, err := freePort()
		ts.Check(err)
		ts.Setenv(args[0], strconv.Itoa(port))
	},
	"certificate": cmdCertificate,
	// heard FILE: writes what the hosts in .example were told since the last time: HOST USER:PASSWORD lines, each once.
	"heard": func(ts *testscript.TestScript, neg bool, args []string) {
		outside := ts.Value(internetKey{}).(*internet)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(outside.heard()), 0o600))
	},
}
