package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// What is known of the registry that has no proof: which variables it would take, and which ones are set for nothing.

// needs are the variables that must be set for a proof.
func (s Source) needs() []string { return s.Vars[:max(1, s.Parts)] }

// set reports whether a proof is in the source's variables, whoever it is for.
func (s Source) set(env *regpass.Env) bool {
	isSet := func(name string) bool { return env.Getenv(name) != "" }
	if s.Parts > 0 {
		return !slices.ContainsFunc(s.needs(), func(name string) bool { return !isSet(name) })
	}
	return slices.ContainsFunc(s.Vars, isSet)
}

// with is env with variables that are not set there. It is only asked which source would be taken.
func with(env *regpass.Env, value string, names ...string) *regpass.Env {
	more := *env
	more.Getenv = func(name string) string {
		if slices.Contains(names, name) {
			return value
		}
		return env.Getenv(name)
	}
	return &more
}

// ToSet are the row's own variables that would give the target a key or a ready token, the first of each source as
// words. Ones that are for a server say behind them which variable must name that.
func (t Target) ToSet(env *regpass.Env) []string {
	var all []string
	add := func(s Source) {
		words := strings.Join(s.needs(), " and ")
		if s.Server != "" && !t.takes(with(env, "any", s.needs()...), s) {
			its := fmt.Sprintf(" (with %s=%s)", s.Server, t.Receiver)
			if last := len(all) - 1; last >= 0 {
				all[last] = strings.TrimSuffix(all[last], its) // said once
			}
			words += its
		}
		all = append(all, words)
	}
	if key, ok := t.keySource(); ok {
		add(key)
	}
	for _, s := range t.Row.Proofs {
		filled := with(env, "any", s.needs()...)
		if s.Server != "" {
			filled = with(filled, t.Receiver.String(), s.Server)
		}
		if s.Method == regpass.ReadyToken && s.CI == "" && !s.set(env) && t.takes(filled, s) {
			add(s)
		}
	}
	return all
}

// takes reports whether the source has a proof for the target.
func (t Target) takes(env *regpass.Env, s Source) bool {
	_, ok, err := s.Find(env, t)
	return ok && err == nil
}

// Idle says which variables hold a proof that is not taken, because nothing says that it is for this server, and what
// to set or to add if it is.
func (t Target) Idle(env *regpass.Env) []string {
	rows := []Row{t.Row}
	if t.isUnknown() {
		rows = All
	}
	var all []string
	for _, r := range rows {
		for _, s := range r.Proofs {
			if s.Server == "" || !s.set(env) || r.Runs == "" && r.Name != t.Row.Name {
				continue
			}
			if hint := t.idle(env, r, s); hint != "" {
				all = append(all, hint)
			}
		}
	}
	return all
}

// idle is what to do about one source of a row that is the target's, or may be; empty: it is for another server.
func (t Target) idle(env *regpass.Env, r Row, s Source) string {
	names, are := strings.Join(s.needs(), " and "), "is"
	if s.Parts > 1 {
		are = "are"
	}
	typed := ""
	if !r.Match(with(env, t.Receiver.String(), s.Server), t.Ref) && r.Name != t.Row.Name {
		typed = t.AddType(r.Name)
	}
	its := Target{Row: r, Ref: t.Ref}
	switch {
	case its.takes(env, s):
		return fmt.Sprintf("%s %s set: if this server is %s, %s", names, are, r.Runs, typed)
	case env.Getenv(s.Server) != "" && r.Name != t.Row.Name:
		return ""
	case env.Getenv(s.Server) != "":
		return fmt.Sprintf("%s %s set for the server of %s, which is another one", names, are, s.Server)
	}
	set := fmt.Sprintf("%s %s set, but %s does not say for which server: if for this one, set %s=%s",
		names, are, s.Server, s.Server, t.Receiver)
	if typed != "" {
		set += " and " + typed
	}
	return set
}

// isUnknown reports whether nothing says which kind of server the target is, and a person named it.
func (t Target) isUnknown() bool {
	_, typed := t.Ref.Options["type"]
	return t.Row.Name == Static && !typed && t.Ref.Trusted && t.Ref.URL.Scheme != "s3"
}

// MayBe says what to name instead of a host that has a vendor's web pages, or which type= the server may need: by its
// path, otherwise all that people run on hosts of their own. It is
// empty for a server whose kind is known.
func (t Target) MayBe() string {
	if !t.isUnknown() {
		return ""
	}
	called := func(r Row) bool { return r.Name == t.Ref.Host || slices.Contains(r.Also, t.Ref.Host) }
	if i := slices.IndexFunc(All, called); i >= 0 && t.Ref.Bare {
		return fmt.Sprintf("%s is a kind of registry: if no host of that name is meant, name one, such as `%s`",
			t.Ref.Host, All[i].Example)
	}
	if i := slices.IndexFunc(All, func(r Row) bool { return slices.Contains(r.Pages, t.Ref.Host) }); i >= 0 {
		return fmt.Sprintf("%s has web pages: name the registry itself, such as `%s` (%s)",
			t.Ref.Host, All[i].Example, All[i].Title)
	}
	var known []string
	for _, r := range All {
		if r.Runs == "" {
			continue
		}
		if r.Path != "" && strings.Contains(t.Ref.URL.Path+"/", r.Path) {
			return fmt.Sprintf("its path looks like that of %s: if so, %s", r.Runs, t.AddType(r.Name))
		}
		known = append(known, fmt.Sprintf("type=%s (%s)", r.Name, r.Runs))
	}
	slices.Sort(known)
	return "if one of these runs there, add which: " + strings.Join(known, ", ")
}

// ReadByAll reports whether everyone may read the target, and it takes nothing else than a key.
func (t Target) ReadByAll() bool {
	return !t.Row.OIDC && t.Row.IsPublic(t.Ref) || t.Row.Name == Static && t.publishAt() != ""
}

// ReadOrPublish says what to name instead of a target that everyone may read.
func (t Target) ReadOrPublish() string {
	hint := "to read it, name no registry"
	if at := t.publishAt(); at != "" {
		hint += "; to publish, name " + at
	}
	return hint
}

// publishAt is the URL to publish to, if the target is read by all; empty: none is known.
func (t Target) publishAt() string {
	for _, r := range All {
		if at := r.Readers[t.Ref.Host]; at != "" {
			return at
		}
	}
	return ""
}
