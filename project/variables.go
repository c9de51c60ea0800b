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
