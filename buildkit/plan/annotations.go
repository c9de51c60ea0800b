package plan

import (
	"context"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// annotated matches TYPE[PLATFORM] of an annotation (buildx, buildflags.ParseAnnotations).
var annotated = regpass.Pattern(`^(index|index-descriptor|manifest|manifest-descriptor)(\[[A-Za-z0-9_/-]+\])?$`)

// addAnnotations takes [TYPE[PLATFORM],…:]KEY=VALUE and hands it to every output that is an image
// (BuildKit, exporter/containerimage/exptypes).
func addAnnotations(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	for _, text := range o.Annotations {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return regpass.Usagef("%s is not KEY=VALUE", regpass.Quote(text))
		}
		prefixes := []string{"annotation."}
		if types, k, ok := strings.Cut(key, ":"); ok {
			key, prefixes = k, nil
			for t := range strings.SplitSeq(types, ",") {
				if !annotated().MatchString(t) {
					return regpass.Usagef("%s is no type of annotation", regpass.Quote(t))
				}
				prefixes = append(prefixes, "annotation-"+t+".")
			}
		}
		for _, x := range p.Opt.Exports {
			if x.Type == client.ExporterLocal || x.Type == client.ExporterTar {
				continue
			}
			for _, prefix := range prefixes {
				x.Attrs[prefix+key] = value
			}
		}
	}
	return nil
}
