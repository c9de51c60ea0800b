package clients

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// planGit makes git ask our helper for the hosts of the entries, and for no other, and nobody at the terminal. A helper
// with an empty name first takes away those that are set up for the host: git tells every one of them each credential.
// The variables add to what git's files say, behind those that are set already
// (https://git-scm.com/docs/git-config, GIT_CONFIG_COUNT).
func planGit(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (
	envsync.Plan, error) {
	path := program(private, "git-credential-regpass")
	if strings.Contains(path, "'") {
		return envsync.Plan{}, fmt.Errorf("git: no shell's word can hold the path %s", regpass.Quote(path))
	}
	n, err := strconv.Atoi(env.Getenv("GIT_CONFIG_COUNT"))
	if env.Getenv("GIT_CONFIG_COUNT") != "" && (err != nil || n < 0) {
		return envsync.Plan{}, regpass.Usagef("git: GIT_CONFIG_COUNT is not a number")
	}
	var p envsync.Plan
	add := func(key, value string) {
		p.Vars = append(p.Vars, envsync.Var{Name: fmt.Sprintf("GIT_CONFIG_KEY_%d", n), Plain: key},
			envsync.Var{Name: fmt.Sprintf("GIT_CONFIG_VALUE_%d", n), Plain: value})
		n++
	}
	var hosts []string
	for _, e := range entries {
		host := "credential." + e.Ref.URL.Scheme + "://" + e.Cred.Host
		if slices.Contains(hosts, host) {
			add(host+".useHttpPath", "true") // the helper is told which of its repositories is meant
			continue
		}
		hosts = append(hosts, host)
		add(host+".helper", "")
		add(host+".helper", "!'"+path+"'")
	}
	p.Vars = append(p.Vars, envsync.Var{Name: "GIT_CONFIG_COUNT", Plain: strconv.Itoa(n)},
		envsync.Var{Name: "GIT_TERMINAL_PROMPT", Plain: "0"})
	return p, nil
}
