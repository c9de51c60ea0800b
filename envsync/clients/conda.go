package clients

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// condaVar names the folder in whose folder data conda looks for tokens, before each request
// (https://github.com/conda/conda/blob/main/conda/gateways/anaconda_client.py).
const condaVar = "BINSTAR_CONFIG_DIR"

// condaToken is a file with one token. Its name is the URL below which conda puts the token into paths, as /t/TOKEN/.
var condaToken = envsync.Format{
	Name:    "conda-token",
	Set:     setCondaToken,
	Restore: func(_, before []byte, _ []string) ([]byte, error) { return before, nil },
	Keys: func(entries []envsync.Entry) (keys []string) {
		for _, e := range entries {
			keys = append(keys, condaURL(e))
		}
		return keys
	},
}

func setCondaToken(old []byte, entries []envsync.Entry) ([]byte, error) {
	for _, e := range entries {
		if e.Cred.Kind != regpass.CondaToken {
			return nil, fmt.Errorf("conda: %s: its %s credential is no conda token; conda reads the netrc", e.Ref, e.Cred.Kind)
		}
		token := e.Cred.Secret.Reveal()
		if err := envsync.CheckPrintable(token); err != nil {
			return nil, fmt.Errorf("conda: %s: the token %w", e.Ref, err)
		}
		if url.PathEscape(token) != token {
			return nil, fmt.Errorf("conda: %s: the token holds what no path can", e.Ref)
		}
		if _, err := e.Host(); err != nil {
			return nil, fmt.Errorf("conda: %w", err)
		}
		old = []byte(token)
	}
	return old, nil
}

// condaURL is the URL with which those of the registry's channels begin. The slash at its end keeps the token from a
// host whose name begins with ours: conda compares only the beginnings.
func condaURL(e envsync.Entry) string {
	u := url.URL{Scheme: "https", Host: e.Cred.Host, Path: "/"}
	if e.Ref.URL.Scheme == "http" {
		u.Scheme = "http"
	}
	if e.Ref.Host == e.Cred.Host && !e.Ref.Bare {
		u.Path = strings.TrimRight(e.Ref.URL.Path, "/") + "/"
	}
	return u.String()
}

// planConda writes a file for each token, beside copies of the user's own.
func planConda(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (
	envsync.Plan, error) {
	dir := filepath.Join(filepath.Dir(private.Bin), "conda")
	data := filepath.Join(dir, "data")
	p := envsync.Plan{Vars: []envsync.Var{{Name: condaVar, Plain: dir}}}
	key := func(e envsync.Entry) (string, error) { return condaURL(e), nil }
	_, entries, err := envsync.Distinct("conda", entries, key)
	if err != nil {
		return p, err
	}
	ours := map[string]bool{}
	for _, e := range entries {
		if err := condaToken.Carries(e); err != nil {
			return envsync.Plan{}, err
		}
		name := url.QueryEscape(condaURL(e)) + ".token"
		ours[name] = true
		p.Changes = append(p.Changes, envsync.Change{Path: filepath.Join(data, name), Private: true, Format: condaToken,
			Entries: []envsync.Entry{e}})
	}
	own := condaOwn(env, dir)
	files, _ := os.ReadDir(own) // missing: there are none
	for i, f := range files {
		if i == maxCondaTokens {
			p.Warnings = append(p.Warnings, fmt.Sprintf("conda: only %d files of %s are copied", i, regpass.Quote(own)))
			break
		}
		if filepath.Ext(f.Name()) != ".token" || ours[f.Name()] {
			continue
		}
		text, err := envsync.ReadExisting(filepath.Join(own, f.Name()))
		if err != nil || text == nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("conda: one of your tokens in %s cannot be read", regpass.Quote(own)))
			continue
		}
		p.Changes = append(p.Changes, envsync.Change{Path: filepath.Join(data, f.Name()), Private: true, Format: condaToken,
			Base: text})
	}
	return p, nil
}

// maxCondaTokens limits the files of the user's own that are copied.
const maxCondaTokens = 100

// condaOwn is the folder of the user's own tokens, as anaconda's client has it on Linux. dir is ours.
func condaOwn(env *regpass.Env, dir string) string {
	if was := env.Getenv(condaVar); was != "" && was != dir {
		return filepath.Join(env.Abs(was), "data")
	}
	share := env.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(share) {
		share = filepath.Join(env.Home, ".local", "share")
	}
	return filepath.Join(share, "binstar")
}
