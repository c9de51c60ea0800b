package inject

import (
	"path"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// stepUsage lists the programs that the commands of a step run.
type stepUsage struct {
	rules   []Rule // each once, in the order of first use
	scripts bool   // it also runs a program of the project's own, which may run anything
	unread  error  // why some of its commands could not be read
}

// unknown stands for a part of a word that only the shell knows: a variable, the output of a command.
const unknown = "\x00"

// wrapper is a command that runs another command, which follows its options and operands.
type wrapper struct {
	valued   string   // short options that take a value in the next word
	long     []string // long options that take a value in the next word
	operands int      // words before the command that are no options; NAME=value does not count
}

// wrappers are the known wrappers by name, with their subcommand if they need one.
var wrappers = map[string]wrapper{
	"env":       {valued: "uCa", long: []string{"--unset", "--chdir", "--argv0"}},
	"exec":      {valued: "a"},
	"command":   {},
	"builtin":   {},
	"nohup":     {},
	"setsid":    {},
	"time":      {valued: "fo"},
	"nice":      {valued: "n"},
	"ionice":    {valued: "cn"},
	"stdbuf":    {valued: "ioe"},
	"timeout":   {valued: "ks", operands: 1},
	"xargs":     {valued: "adEIiLlnPs"},
	"sudo":      {valued: "CDghpRrTtUu", long: []string{"--user", "--group", "--chdir"}},
	"doas":      {valued: "Cu"},
	"gosu":      {operands: 1},
	"su-exec":   {operands: 1},
	"chroot":    {operands: 1},
	"tini":      {valued: "pe"},
	"dumb-init": {valued: "r"},
	"busybox":   {},
	"uv run": {valued: "pPf",
		long: []string{"--with", "--with-requirements", "--python", "--project", "--directory", "--package", "--extra",
			"--group", "--env-file", "--index", "--default-index", "--index-url"}},
	"conda run":      {valued: "np", long: []string{"--name", "--prefix", "--cwd"}},
	"mamba run":      {valued: "np", long: []string{"--name", "--prefix", "--cwd"}},
	"micromamba run": {valued: "np", long: []string{"--name", "--prefix", "--cwd", "--root-prefix"}},
	"pixi run":       {valued: "e", long: []string{"--environment", "--manifest-path"}},
	"poetry run":     {},
	"pdm run":        {valued: "p", long: []string{"--project"}},
	"hatch run":      {},
	"pipx run":       {long: []string{"--spec", "--python"}},
}

var (
	shells       = regpass.Pattern(`^(ba|da|a|z|k|mk)?sh$`)
	switchUser   = regpass.Pattern(`^(su|runuser)$`)
	pythons      = regpass.Pattern(`^(python|pypy)[0-9.]*$`)
	taskRunners  = regpass.Pattern(`^(make|gmake|just|task|tox|nox|invoke|inv)$`)
	shellCommand = regpass.Pattern(`^[-+][A-Za-z]*c[A-Za-z]*$`)
	assignment   = regpass.Pattern(`^[A-Za-z_][A-Za-z0-9_]*=`)
	systemPath   = regpass.Pattern(`^(/usr(/local)?)?/s?bin/[^/]+$`)
)

// maxNesting limits the search for commands in commands: sh -c "env sh -c …".
const maxNesting = 10

// usageOf lists the programs that run when args are run as they are, without a shell.
func usageOf(args []string) stepUsage {
	var u stepUsage
	u.command(args, "", 0)
	return u
}

// command looks at one simple command. stdin is the here-document that it reads, or "".
func (u *stepUsage) command(args []string, stdin string, depth int) {
	for len(args) > 0 && assignment().MatchString(args[0]) {
		args = args[1:]
	}
	if len(args) == 0 || depth > maxNesting {
		return
	}
	word, rest := args[0], args[1:]
	name := path.Base(word)
	rule, isClient := commandRule(name)
	if isClient {
		u.rule(rule)
	}
	if p, ok := wrappers[name]; ok {
		u.command(p.strip(rest), stdin, depth+1)
		return
	}
	if i := slices.Index(rest, "run"); i >= 0 {
		if p, ok := wrappers[name+" run"]; ok {
			u.command(p.strip(rest[i+1:]), stdin, depth+1)
		}
	}
	switch {
	case isClient:
	case shells().MatchString(name):
		u.shell(rest, stdin, depth)
	case switchUser().MatchString(name):
		i := slices.IndexFunc(rest, func(a string) bool { return a == "-c" || a == "--command" })
		if i >= 0 && i+1 < len(rest) {
			u.script(rest[i+1], depth+1)
		}
	case pythons().MatchString(name):
		u.python(rest)
	case name == "eval":
		u.script(strings.Join(rest, " "), depth+1)
	case name == "source", name == ".", taskRunners().MatchString(name), strings.Contains(name, unknown),
		strings.Contains(word, "/") && !systemPath().MatchString(word):
		u.scripts = true
	}
}

func (u *stepUsage) rule(r Rule) {
	if !slices.ContainsFunc(u.rules, func(have Rule) bool { return have.Client == r.Client }) {
		u.rules = append(u.rules, r)
	}
}

// strip returns the command that the wrapper runs: args without its options, assignments and operands.
func (p wrapper) strip(args []string) []string {
	operands := p.operands
	for len(args) > 0 {
		a := args[0]
		switch {
		case a == "--":
			return args[min(1+operands, len(args)):]
		case strings.HasPrefix(a, "--"):
			if slices.Contains(p.long, a) && len(args) > 1 {
				args = args[1:]
			}
		case strings.HasPrefix(a, "-") && len(a) > 1:
			if len(a) == 2 && strings.Contains(p.valued, a[1:]) && len(args) > 1 {
				args = args[1:]
			}
		case assignment().MatchString(a):
		case operands > 0:
			operands--
		default:
			return args
		}
		args = args[1:]
	}
	return nil
}

// shell looks at sh with its options: -c TEXT, a file, or a script on standard input.
func (u *stepUsage) shell(args []string, stdin string, depth int) {
	text := false
	for len(args) > 0 && len(args[0]) > 1 && strings.ContainsAny(args[0][:1], "-+") {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		text = text || shellCommand().MatchString(a) && !strings.HasPrefix(a, "--")
		if strings.HasSuffix(a, "o") && !strings.HasPrefix(a, "--") && len(args) > 0 { // -o pipefail, -euo pipefail
			args = args[1:]
		}
	}
	switch {
	case text && len(args) > 0:
		u.script(args[0], depth+1)
	case len(args) > 0:
		u.scripts = true
	case stdin != "":
		u.script(stdin, depth+1)
	}
}

// python looks at python with its options: -m MODULE, a file, or neither.
func (u *stepUsage) python(args []string) {
	for len(args) > 0 {
		a := args[0]
		module, isModule := strings.CutPrefix(a, "-m")
		switch {
		case isModule && module == "" && len(args) > 1:
			module = args[1]
			fallthrough
		case isModule && module != "":
			if r, ok := moduleRule(module); ok {
				u.rule(r)
			} else {
				u.scripts = u.scripts || taskRunners().MatchString(module)
			}
			return
		case strings.HasPrefix(a, "-c"), a == "-":
			return
		case a == "-W", a == "-X":
			args = args[min(2, len(args)):]
		case strings.HasPrefix(a, "-"):
			args = args[1:]
		default:
			u.scripts = true
			return
		}
	}
}
