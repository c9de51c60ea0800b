package project

import (
	"strings"

	"github.com/regpass/regpass"
)

// indexVariables are the variables by which uv and pip take indexes. Each may hold several, between white space; uv's
// may begin with a name and "=". A job's file can set them, so they are trusted no more than the checkout.
// (https://docs.astral.sh/uv/reference/environment/, https://pip.pypa.io/en/stable/topics/configuration/)
var indexVariables = []string{
	"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL",
}

// cargoIndex matches the variables by which cargo takes the index of a registry
// (https://doc.rust-lang.org/cargo/reference/config.html#registriesnameindex).
var cargoIndex = regpass.Pattern(`^CARGO_REGISTRIES_([A-Z0-9_]+)_INDEX=sparse\+(\S+)$`)

// variables are the registries that the variables name.
func variables(env *regpass.Env) Found {
	var found Found
	for _, name := range indexVariables {
		var urls []string
		for word := range strings.FieldsSeq(env.Getenv(name)) {
			urls = append(urls, indexIn(word))
		}
		found.others("the variable "+name, urls)
	}
	found.others("the variable GOPROXY", goProxies(env.Getenv("GOPROXY")))
	for _, url := range strings.Fields(env.Getenv("npm_config_registry")) {
		found.others("the variable npm_config_registry", []string{url})
		found.Names = append(found.Names, regpass.Named{Client: "npm", Name: "registry", URL: url})
	}
	for _, kv := range env.Environ {
		if m := cargoIndex().FindStringSubmatch(kv); m != nil {
			found.others("the variable CARGO_REGISTRIES_"+m[1]+"_INDEX", []string{m[2]})
			found.Names = append(found.Names, regpass.Named{Client: "cargo", Name: m[1], URL: m[2]})
		}
	}
	found.Refs = regpass.Unique(found.Refs, regpass.Ref.String)
	return found
}

// indexIn is the URL in a word of such a variable.
func indexIn(word string) string {
	if before, after, ok := strings.Cut(word, "="); ok && !strings.ContainsAny(before, ":/") {
		return after
	}
	return word
}
