// Package npmrc answers "how is a credential written in an .npmrc?". npm, pnpm, yarn 1 and bun read that file.
package npmrc

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Private is the format of a private .npmrc, a copy of the user's with our lines before it.
var Private = envsync.Format{Name: "npmrc", Set: set, Restore: restore, Keys: keys}

// Client is the regpass.Named.Client of the registries that a project's files name to npm's clients.
const Client = "npm"

// Plan plans a private .npmrc. Only one can be named to the clients, so it holds the user's own too
// (https://docs.npmjs.com/cli/configuring-npm/npmrc).
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	entries = widen(entries, o.Names)
	want, err := lines(entries)
	if err != nil {
		return envsync.Plan{}, err
	}
	var base []byte
	var notes []string
	files := userFiles(env, private.Path)
	for _, from := range files {
		old, err := envsync.ReadExisting(from)
		if err != nil {
			notes = append(notes, fmt.Sprintf("npm: the content of %s is not in the private copy: %v", from, err))
			continue
		}
		kept, dropped := copyOthers(old, want)
		base = append(base, kept...)
		for _, key := range dropped {
			notes = append(notes, fmt.Sprintf("npm: %s in %s is left out of the private copy, where it would hide ours",
				regpass.Quote(key), from))
		}
	}
	p := private.Plan(entries, base, files[0], append(notes, hiding(env, want)...))
	// pnpm 12 reads a file of its own before the user's (https://pnpm.io/settings#npmrcauthfile).
	p.Vars = append(p.Vars, envsync.Var{Name: pnpmVar, Plain: private.Path, Own: files[0]})
	if isYarn1(env) {
		// yarn 1 sends nothing to read without it, npm warns of it, and yarn 4 takes no such setting.
		p.Vars = append(p.Vars, envsync.Var{Name: "npm_config_always_auth", Plain: "true"})
	}
	return p, nil
}

const pnpmVar = "PNPM_CONFIG_NPMRC_AUTH_FILE"

// userFiles are the user's files: the one that npm reads, and pnpm's own if a variable names it. A later line wins.
func userFiles(env *regpass.Env, ours string) []string {
	file := filepath.Join(env.Home, ".npmrc")
	if env.Home == "" {
		file = ""
	}
	for _, name := range []string{"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} {
		if path := env.Getenv(name); path != "" {
			file = env.Abs(path)
		}
	}
	files := []string{file}
	if path := env.Getenv(pnpmVar); path != "" && env.Abs(path) != file && env.Abs(path) != ours {
		files = append(files, env.Abs(path))
	}
	return files
}

// widen adds entries for what clients look up. npm, pnpm and bun take the longest of our paths that the request's lies
// below, so the host's root serves all of a host that has one credential. yarn 1 knows only the very URL that a project
// names for its registry.
func widen(entries []envsync.Entry, names []regpass.Named) []envsync.Entry {
	all := entries
	for _, n := range names {
		u, err := url.Parse(n.URL)
		if err != nil || n.Client != Client {
			continue
		}
		if e, ok := envsync.ByName(Client, []regpass.Named{n}, entries)[n.Name]; ok {
			e.Ref.URL = &url.URL{Scheme: e.Ref.URL.Scheme, Host: e.Cred.Host, Path: u.Path, RawPath: u.RawPath}
			all = append(all[:len(all):len(all)], e)
		}
	}
	for i, e := range entries {
		alone := true
		for j, other := range entries {
			alone = alone && (other.Cred.Host != e.Cred.Host || j >= i && sameCredential(e.Cred, other.Cred))
		}
		if alone {
			e.Ref.URL = &url.URL{Scheme: e.Ref.URL.Scheme, Host: e.Cred.Host}
			all = append(all[:len(all):len(all)], e)
		}
	}
	return all
}

func sameCredential(a, b regpass.Credential) bool {
	return a.Kind == b.Kind && a.Username == b.Username && a.Secret.Fingerprint() == b.Secret.Fingerprint()
}

// hiding warns of the project's own .npmrc, which clients read before the user's.
func hiding(env *regpass.Env, want []line) (warnings []string) {
	path := projectFile(env)
	text, err := envsync.ReadExisting(path)
	if err != nil {
		return nil
	}
	all := theirs(text, want)
	for _, key := range all[:min(maxSaid, len(all))] {
		warnings = append(warnings, fmt.Sprintf("npm: %s in %s is read before ours; remove that line", regpass.Quote(key),
			regpass.ShowPath(path)))
	}
	if more := len(all) - maxSaid; more > 0 {
		warnings = append(warnings, fmt.Sprintf("npm: so are %d more lines in %s", more, regpass.ShowPath(path)))
	}
	return warnings
}

// maxSaid is the number of lines that are warned of: a checkout can have thousands.
const maxSaid = 5

// projectFile is the path of the .npmrc of the project around env.Dir: the nearest folder with a package.json.
func projectFile(env *regpass.Env) string {
	return filepath.Join(projectFolder(env), ".npmrc")
}

func projectFolder(env *regpass.Env) string {
	for dir := env.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, "package.json")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) || dir == env.Home {
			return env.Dir
		}
	}
}

// isYarn1 reports whether the project's lock file is one of yarn 1.
func isYarn1(env *regpass.Env) bool {
	text, err := envsync.ReadExisting(filepath.Join(projectFolder(env), "yarn.lock"))
	head, _, _ := bytes.Cut(text, []byte("\n\n"))
	return err == nil && strings.Contains(string(head), "# yarn lockfile v1")
}
