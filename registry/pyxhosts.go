package registry

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// The hosts of pyx, unless PYX_API_URL or PYX_CDN_DOMAIN is set (uv, crates/uv-auth/src/pyx.rs, 0.12.5).
const (
	pyxDefaultAPI = "api.pyx.dev"
	pyxDefaultCDN = "astralhosted.com"
	pyxShortName  = "pyx.dev"
)

// pyxRef is the part of a pyx server that a Ref names.
type pyxRef struct {
	shared       bool   // the server is pyx itself or that of PYX_API_URL, for which pyx's own audiences are
	publish      bool   // an upload URL: tokens may upload to one registry
	workspace    string // whose packages a CI identity may read or upload
	registry     string // for publish
	workspaceErr error  // why the workspace that a CI identity needs is not known
}

// openPyx finds the origin of pyx's API. For a ref that is known to be on pyx it is the origin of PYX_API_URL, whose
// path uv ignores too, or the default. With type=pyx on any other host it is that host.
func openPyx(env *regpass.Env, ref regpass.Ref) (Target, error) {
	configured, err := pyxConfigured(env)
	if err != nil {
		return Target{}, err
	}
	t := Target{Receiver: origin(ref), Audience: ref.Options["audience"], Hosts: []string{ref.Host}}
	x := pyxRef{shared: matchPyx(env, ref)}
	if x.shared {
		t.Receiver = &url.URL{Scheme: "https", Host: pyxDefaultAPI}
		if configured != nil {
			t.Receiver = configured
		}
	}
	if pyxAlias(ref) {
		t.Hosts = []string{t.Receiver.Host}
	}
	if x.workspace, x.registry, x.publish = pyxPublishURL(ref); x.publish {
		t.Scope = publishing + x.workspace + "/" + x.registry
		t.exchanger = x
		return t, nil
	}
	switch {
	case t.Audience != "":
	case x.shared:
		t.Audience = pyxReadAudience
	default:
		t.Audience = ref.Host
	}
	x.workspace, x.workspaceErr = pyxWorkspace(env, ref)
	t.Scope = "read " + x.workspace
	t.exchanger = x
	return t, nil
}

// pyxConfigured is the origin of PYX_API_URL, or nil.
func pyxConfigured(env *regpass.Env) (*url.URL, error) {
	v := env.Getenv("PYX_API_URL")
	if v == "" {
		return nil, nil
	}
	api, err := regpass.ParseRef(v)
	if err != nil {
		return nil, fmt.Errorf("pyx: PYX_API_URL: %w", err)
	}
	return origin(api), nil
}

// matchPyx reports whether ref is on pyx: it is one of pyx's own names, the exact origin of PYX_API_URL, or an https
// host in the CDN's domain on https's own port (is_default_pyx_domain and is_known_url there). Unlike `uv auth` it
// takes no parent domain of PYX_API_URL, which could be anyone's.
func matchPyx(env *regpass.Env, ref regpass.Ref) bool {
	if ref.URL.Scheme == "https" && (pyxAlias(ref) || inDomain(ref.Host, pyxCDN(env))) { // Host has no port, so 443
		return true
	}
	api, err := pyxConfigured(env)
	return err == nil && api != nil && api.Scheme == ref.URL.Scheme && api.Host == ref.URL.Host
}

// pyxAlias reports whether ref names the service in general: PYX_API_URL says where it is.
func pyxAlias(ref regpass.Ref) bool { return ref.Host == pyxShortName || ref.Host == pyxDefaultAPI }

// pyxCDN is the domain of the CDN, or "". The hosts of pyx's own CDN are not another server's: there a token of the
// server that PYX_API_URL names would go to whoever has a host on it. uv takes them for known all the same.
func pyxCDN(env *regpass.Env) string {
	if v := env.Getenv("PYX_CDN_DOMAIN"); v != "" {
		return strings.ToLower(v)
	}
	api, err := pyxConfigured(env)
	if err != nil || api != nil && api.Host != pyxDefaultAPI {
		return ""
	}
	return pyxDefaultCDN
}

// pyxName matches the name of a workspace, registry or view: one path segment that needs no escaping.
var pyxName = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// pyxPublishURL reads /v1/upload/{workspace}/{registry}, with or without a slash at the end.
func pyxPublishURL(ref regpass.Ref) (workspace, registry string, ok bool) {
	s := segments(ref.URL)
	if len(s) != 4 || s[0] != "v1" || s[1] != "upload" || !pyxName().MatchString(s[2]) || !pyxName().MatchString(s[3]) {
		return "", "", false
	}
	return s[2], s[3], true
}

// pyxWorkspace finds the workspace that ref reads from, in the option or in the URL
//
//	{api}/simple/{workspace}/{view}…
//	https://views.{cdn}/v1/{shard}/{workspace}/{view}…
//	https://files.{cdn}/{workspace}/{path}
//
// as in uv's unmerged client for Trusted Access (crates/uv-auth/src/pyx.rs on branch ww/ta).
func pyxWorkspace(env *regpass.Env, ref regpass.Ref) (string, error) {
	name, given := ref.Options["workspace"]
	s := segments(ref.URL)
	switch cdn := pyxCDN(env); {
	case given:
	case ref.URL.Hostname() == "views."+cdn && len(s) >= 4 && s[0] == "v1":
		name = s[2]
	case ref.URL.Hostname() == "files."+cdn && len(s) >= 2:
		name = s[0]
	case !inDomain(ref.URL.Hostname(), cdn) && len(s) >= 3 && s[0] == "simple":
		name = s[1]
	}
	if name == "" {
		err := regpass.Usagef("pyx: %s does not say which workspace a CI identity is for", regpass.Quote(ref.String()))
		return "", regpass.Hintf(err, "name an index (https://%[1]s/simple/WORKSPACE/VIEW), "+
			"a publish URL (https://%[1]s/v1/upload/WORKSPACE/REGISTRY) or add workspace=WORKSPACE: "+
			"`%[2]s workspace=WORKSPACE`", pyxDefaultAPI, ref.Args())
	}
	if !pyxName().MatchString(name) {
		return "", regpass.Usagef("pyx: %s is not the name of a workspace", regpass.Quote(name))
	}
	return name, nil
}

// apiURL is the URL of a path on a server's API.
func apiURL(api *url.URL, path string) *url.URL {
	return &url.URL{Scheme: api.Scheme, Host: api.Host, Path: path}
}
