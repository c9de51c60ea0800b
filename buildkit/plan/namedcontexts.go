package plan

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client/ociindex"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// remotePrefixes begin a named context that BuildKit fetches by itself; remoteContext matches the others.
var remotePrefixes = []string{"docker-image://", "target:", "input:"}

// addNamedContexts reads NAME=PLACE. An image in an OCI layout is served from this machine.
func addNamedContexts(_ context.Context, env *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	for i, text := range o.BuildContexts {
		name, place, ok := strings.Cut(text, "=")
		if !ok || name == "" || place == "" {
			return regpass.Usagef("%s is not NAME=PLACE", regpass.Quote(text))
		}
		name = normalizeImage(name)
		layout, isLayout := strings.CutPrefix(place, "oci-layout://")
		switch {
		case isRemote(place):
			p.Opt.FrontendAttrs["context:"+name] = place
		case isLayout:
			if err := p.addLayout(env, name, layout, "layout"+strconv.Itoa(i)); err != nil {
				return err
			}
		case !isDir(env.Abs(place)):
			return fmt.Errorf("%s is no folder here", regpass.Quote(place))
		default:
			mount := name
			if name == "context" || name == "dockerfile" {
				mount = "_" + name // those are the build's own
			}
			dir := env.Abs(place)
			if err := p.mount(mount, dir); err != nil {
				return err
			}
			p.Opt.FrontendAttrs["context:"+name] = "local:" + mount
			p.Opt.FrontendAttrs["sharedkey:localdir:"+name] = filepath.Base(dir)
		}
	}
	if len(o.BuildContexts) > 0 {
		p.Opt.FrontendAttrs["frontend.caps"] = "moby.buildkit.frontend.contexts+forward"
	}
	return nil
}

// isRemote reports whether BuildKit fetches the named context by itself.
func isRemote(place string) bool {
	for _, prefix := range remotePrefixes {
		if strings.HasPrefix(place, prefix) {
			return true
		}
	}
	return remoteContext().MatchString(place)
}

// normalizeImage is an image's name as the frontend looks it up: without its default registry, folder and tag.
func normalizeImage(name string) string {
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "library/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return strings.TrimSuffix(name, ":latest")
}

// addLayout serves DIR[:TAG][@DIGEST]. Without a digest it takes the image of that tag from the layout's index, or the
// only image.
func (p *Plan) addLayout(env *regpass.Env, name, layout, id string) error {
	dir, digest, pinned := strings.Cut(layout, "@")
	tag := ""
	if i := strings.LastIndex(dir, ":"); i > strings.LastIndexAny(dir, `/\`) {
		dir, tag = dir[:i], dir[i+1:]
	}
	dir = env.Abs(dir)
	if !pinned {
		index := ociindex.NewStoreIndex(dir)
		desc, err := index.GetSingle()
		if tag != "" {
			desc, err = index.Get(tag)
		}
		if err != nil {
			return err
		}
		if desc == nil {
			return regpass.Usagef("the layout %s has no such image, or several; write oci-layout://DIR:TAG or @DIGEST",
				regpass.Quote(dir))
		}
		digest = desc.Digest.String()
	}
	store, err := local.NewStore(dir)
	if err != nil {
		return err
	}
	if p.Opt.OCIStores == nil {
		p.Opt.OCIStores = map[string]content.Store{}
	}
	p.Opt.OCIStores[id] = store
	p.Opt.FrontendAttrs["context:"+name] = "oci-layout://" + id + "@" + digest
	return nil
}
