package plan

import (
	"context"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// annotationType matches TYPE[PLATFORM] of an annotation (buildx, buildflags.ParseAnnotations).
var annotationType = regpass.Pattern(`^(index|index-descriptor|manifest|manifest-descriptor)(\[[A-Za-z0-9_/-]+\])?$`)

// addAnnotations reads [TYPE[PLATFORM],…:]KEY=VALUE and adds it to every output that is an image
// (BuildKit, exporter/containerimage/exptypes).
func addAnnotations(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	for _, text := range o.Annotations {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return regpass.Usagef("%s is not KEY=VALUE", regpass.Quote(text))
		}
		names, err := annotationAttrs(key)
		if err != nil {
			return err
		}
		for _, x := range p.Opt.Exports {
			if x.Type == client.ExporterLocal || x.Type == client.ExporterTar {
				continue
			}
			for _, name := range names {
				x.Attrs[name] = value
			}
		}
	}
	return nil
}

// annotationAttrs returns the attributes of an image output for [TYPE[PLATFORM],…:]KEY.
func annotationAttrs(key string) ([]string, error) {
	types, key, ok := strings.Cut(key, ":")
	if !ok {
		return []string{"annotation." + types}, nil
	}
	var names []string
	for t := range strings.SplitSeq(types, ",") {
		if !annotationType().MatchString(t) {
			return nil, regpass.Usagef("%s is no type of annotation", regpass.Quote(t))
		}
		names = append(names, "annotation-"+t+"."+key)
	}
	return names, nil
}
