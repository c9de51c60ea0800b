package clients

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// The sinks below hand a credential over in variables of their client, which it reads once.

// basic returns the user name and the password of a credential for a client that knows nothing else.
func basic(client string, e envsync.Entry) (user, password string, err error) {
	c := e.Cred
	if c.Kind != regpass.Basic && c.Kind != regpass.Bearer || c.Username == "" {
		err := fmt.Errorf("%s: %s: it takes a user name and a password only, and this %s credential has no user name",
			client, e.Ref, c.Kind)
		return "", "", regpass.Hintf(err, "add username=NAME to the registry, if the server takes its token as a password")
	}
	for what, text := range map[string]string{"user name": c.Username, "password": c.Secret.Reveal()} {
		if err := envsync.CheckPrintable(text); err != nil {
			return "", "", fmt.Errorf("%s: %s: the %s %w", client, e.Ref, what, err)
		}
	}
	return c.Username, c.Secret.Reveal(), envsync.CheckUserName(c.Username)
}

// onlyBasic is a Sink.Refuses for a client that knows user names and passwords only.
func onlyBasic(client string) func(envsync.Entry) error {
	return func(e envsync.Entry) error {
		_, _, err := basic(client, e)
		return err
	}
}

// planTerraform sets TF_TOKEN_<HOST>, in which . is _ and - is __ and which has no place for a port
// (https://developer.hashicorp.com/terraform/cli/config/config-file#environment-variable-credentials).
func planTerraform(_ *regpass.Env, _ envsync.Private, entries []envsync.Entry, _ envsync.Options) (
	envsync.Plan, error) {
	var p envsync.Plan
	for _, e := range entries {
		if err := carriesTerraform(e); err != nil {
			return envsync.Plan{}, err
		}
		name := "TF_TOKEN_" + strings.NewReplacer(".", "_", "-", "__").Replace(e.Cred.Host)
		p.Vars = append(p.Vars, envsync.Var{Name: name, Secret: e.Cred.Secret})
	}
	return p, nil
}

func carriesTerraform(e envsync.Entry) error {
	host, err := e.Host()
	switch {
	case err != nil:
		return fmt.Errorf("terraform: %w", err)
	case strings.Contains(host, "_"): // it would be read as a dot, and so name another host
		return fmt.Errorf("terraform: %s: no variable of terraform's names a host with an underscore", host)
	case host != e.Cred.Host:
		return fmt.Errorf("terraform: %s: no variable of terraform's names a port", e.Cred.Host)
	case e.Cred.Kind != regpass.Bearer:
		return fmt.Errorf("terraform: %s: it takes a bearer token only, and this is a credential of the kind %s", e.Ref,
			e.Cred.Kind)
	}
	return nil
}

// planBundler sets BUNDLE_<HOST>, in which . is __ and - is ___, to user:password, percent-encoded. A host with a port
// is known by the whole URL of a source, in a name that only a command's environment can hold
// (https://bundler.io/man/bundle-config.1.html, CREDENTIALS FOR GEM SOURCES).
func planBundler(_ *regpass.Env, _ envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	var p envsync.Plan
	add := func(key string, e envsync.Entry) error {
		user, password, err := basic("bundler", e)
		if err != nil {
			return err
		}
		name := "BUNDLE_" + strings.ToUpper(strings.NewReplacer(".", "__", "-", "___").Replace(key))
		value := url.QueryEscape(user) + ":" + strings.ReplaceAll(url.QueryEscape(password), "+", "%20")
		p.Vars = append(p.Vars, envsync.Var{Name: name, Secret: regpass.NewSecret(value)})
		return nil
	}
	for _, e := range entries {
		if err := carriesBundler(e); err != nil {
			return envsync.Plan{}, err
		}
		if host, err := e.Host(); err == nil && host == e.Cred.Host {
			if err := add(host, e); err != nil {
				return envsync.Plan{}, err
			}
		}
	}
	named := envsync.ByName("bundler", o.Names, entries)
	for _, source := range slices.Sorted(maps.Keys(named)) {
		if e := named[source]; strings.Contains(strings.Trim(e.Cred.Host, "[]"), ":") {
			if err := add(strings.TrimRight(source, "/")+"/", e); err != nil {
				return envsync.Plan{}, err
			}
		}
	}
	return p, nil
}

func carriesBundler(e envsync.Entry) error {
	if strings.Contains(e.Cred.Host, "_") { // it would be read as part of a dot or a hyphen, and so name another host
		return fmt.Errorf("bundler: %s: no variable of bundler's names a host with an underscore", e.Cred.Host)
	}
	_, _, err := basic("bundler", e)
	return err
}

// planNuGet sets NuGetPackageSourceCredentials_<SOURCE> for each source that a nuget.config names
// (https://learn.microsoft.com/nuget/consume-packages/consuming-packages-authenticated-feeds). The value has no
// quoting: a user name ends at the first semicolon.
func planNuGet(_ *regpass.Env, _ envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	var p envsync.Plan
	named := envsync.ByName("nuget", o.Names, entries)
	for _, source := range slices.Sorted(maps.Keys(named)) {
		user, password, err := basic("nuget", named[source])
		if err != nil {
			return envsync.Plan{}, err
		}
		const types = ";ValidAuthenticationTypes="
		if strings.Contains(user, ";") || strings.Contains(password, types) || strings.ContainsAny(source, "=\x00") {
			return envsync.Plan{}, fmt.Errorf("nuget: %s: its variable cannot hold the credential, for a semicolon in it",
				named[source].Ref)
		}
		p.Vars = append(p.Vars, envsync.Var{Name: "NuGetPackageSourceCredentials_" + source,
			Secret: regpass.NewSecret("Username=" + user + ";Password=" + password + types + "basic")})
	}
	return p, nil
}

// planComposer adds our hosts to COMPOSER_AUTH, the text of an auth.json
// (https://getcomposer.org/doc/articles/authentication-for-private-packages.md). A project's own auth.json goes before
// it in Composer up to 2.7.
func planComposer(env *regpass.Env, _ envsync.Private, entries []envsync.Entry, _ envsync.Options) (
	envsync.Plan, error) {
	auth := map[string]map[string]any{}
	if was := env.Getenv("COMPOSER_AUTH"); was != "" {
		if err := json.Unmarshal([]byte(was), &auth); err != nil {
			return envsync.Plan{}, regpass.Hintf(regpass.Usagef("composer: COMPOSER_AUTH is not JSON of an auth.json"),
				"unset it, or leave composer out of --to")
		}
	}
	add := func(kind, host string, value any) {
		if auth[kind] == nil {
			auth[kind] = map[string]any{}
		}
		auth[kind][host] = value
	}
	for _, e := range entries {
		if e.Cred.Kind == regpass.Bearer && e.Cred.Username == "" {
			add("bearer", e.Cred.Host, e.Cred.Secret.Reveal())
			continue
		}
		user, password, err := basic("composer", e)
		if err != nil {
			return envsync.Plan{}, err
		}
		add("http-basic", e.Cred.Host, map[string]string{"username": user, "password": password})
	}
	text, err := json.Marshal(auth)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("composer: %w", err)
	}
	return envsync.Plan{Vars: []envsync.Var{{Name: "COMPOSER_AUTH", Secret: regpass.NewSecret(string(text))}}}, nil
}
