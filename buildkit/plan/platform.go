package plan

import (
	"context"
	"runtime"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

func addPlatforms(_ context.Context, _ *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	var all []string
	for _, text := range o.Platforms {
		for platform := range strings.SplitSeq(text, ",") {
			platform = strings.ToLower(strings.TrimSpace(platform))
			if platform == "local" {
				platform = "linux/" + runtime.GOARCH
			}
			if platform == "" {
				return regpass.Usagef("one is empty")
			}
			all = append(all, platform)
		}
	}
	if len(all) > 1 && !e.ImageStore() {
		return noImageStore("keeps one platform of an image")
	}
	if len(all) > 0 {
		p.Opt.FrontendAttrs["platform"] = strings.Join(all, ",")
	}
	return nil
}
