package plan

import (
	"context"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// cacheVars are attributes of a cache that buildx takes from variables if they are not given. when names a variable
// that must be set too; empty: none.
var cacheVars = []struct {
	kind, attr string
	vars       []string
	when       string
}{
	{"gha", "token", []string{"ACTIONS_RUNTIME_TOKEN"}, ""},
	{"gha", "url_v2", []string{"ACTIONS_RESULTS_URL"}, "ACTIONS_CACHE_SERVICE_V2"},
	{"gha", "url", []string{"ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL"}, ""},
	{"s3", "access_key_id", []string{"AWS_ACCESS_KEY_ID"}, ""},
	{"s3", "secret_access_key", []string{"AWS_SECRET_ACCESS_KEY"}, ""},
	{"s3", "session_token", []string{"AWS_SESSION_TOKEN"}, ""},
}

// caches reads --cache-from and --cache-to: type=TYPE,key=value,…, or the name of an image.
func caches(env *regpass.Env, texts []string, p *Plan) ([]client.CacheOptionsEntry, error) {
	var all []client.CacheOptionsEntry
	for _, text := range texts {
		c := client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": text}}
		if strings.Contains(text, "=") {
			attrs, err := keyed(text)
			if err != nil {
				return nil, err
			}
			c.Type, c.Attrs = attrs["type"], attrs
			delete(attrs, "type")
		}
		if c.Type == "" {
			return nil, regpass.Usagef("%s has no type", regpass.Quote(text))
		}
		given := c.Attrs["access_key_id"] != "" // the other parts must belong to the same key
		for _, v := range cacheVars {
			_, has := c.Attrs[v.attr]
			if v.kind != c.Type || has || given || v.when != "" && env.Getenv(v.when) == "" {
				continue
			}
			if _, value := env.Lookup(v.vars...); value != "" {
				c.Attrs[v.attr] = value
			}
		}
		if c.Type == "gha" && (c.Attrs["token"] == "" || c.Attrs["url"] == "" && c.Attrs["url_v2"] == "") {
			p.Warnings = append(p.Warnings,
				"the cache type=gha is left out: there is no ACTIONS_RUNTIME_TOKEN or ACTIONS_RESULTS_URL here")
			continue
		}
		if src := c.Attrs["src"]; c.Type == "local" && src != "" {
			c.Attrs["src"] = env.Abs(src)
		}
		if dest := c.Attrs["dest"]; c.Type == "local" && dest != "" {
			at, err := env.Output(dest)
			if err != nil {
				return nil, err
			}
			c.Attrs["dest"] = at
		}
		all = append(all, c)
	}
	return all, nil
}

func addCacheTo(_ context.Context, env *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	var err error
	if p.Opt.CacheExports, err = caches(env, o.CacheTo, p); err != nil {
		return err
	}
	if inline, err := strconv.ParseBool(p.Args["BUILDKIT_INLINE_CACHE"]); err == nil && inline {
		p.Opt.CacheExports = append(p.Opt.CacheExports, client.CacheOptionsEntry{Type: "inline", Attrs: map[string]string{}})
	}
	for _, c := range p.Opt.CacheExports {
		if c.Type != "inline" && !e.ImageStore() {
			return noImageStore("can't export a cache of type %s", regpass.Quote(c.Type))
		}
	}
	return nil
}
