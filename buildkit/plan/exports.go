package plan

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// moby is the exporter of the BuildKit inside a Docker daemon: the daemon keeps the image.
const moby = "moby"

// export is one --output.
type export struct {
	client.ExportEntry
	dest string // file or folder, "-" for standard output, or ""
}

// parseExport reads type=TYPE,dest=PATH,…; a path alone is a folder, and - alone a tar archive on standard output.
func parseExport(text string) (export, error) {
	all, err := fields(text)
	if err != nil {
		return export{}, err
	}
	x := export{ExportEntry: client.ExportEntry{Attrs: map[string]string{}}}
	if len(all) == 1 && !strings.HasPrefix(all[0], "type=") {
		x.Type, x.dest = client.ExporterLocal, all[0]
		if x.dest == "-" {
			x.Type = client.ExporterTar
		}
		return x, nil
	}
	attrs, err := keyed(text)
	if err != nil {
		return export{}, err
	}
	x.Type, x.dest, x.Attrs = attrs["type"], attrs["dest"], attrs
	delete(attrs, "type")
	delete(attrs, "dest")
	switch x.Type {
	case "":
		return export{}, regpass.Usagef("%s has no type", regpass.Quote(text))
	case "registry":
		x.Type = client.ExporterImage
		x.push()
	}
	return x, nil
}

// push has an image pushed. By default it is not unpacked in the builder as well.
func (x *export) push() {
	x.Attrs["push"] = "true"
	if _, given := x.Attrs["unpack"]; !given {
		x.Attrs["unpack"] = "false"
	}
}

// pushes reports whether the image will be pushed.
func (x *export) pushes() bool {
	yes, _ := strconv.ParseBool(x.Attrs["push"])
	return yes
}

// addExports reads --output, --push and --load, names the images, and opens the destinations of files.
func addExports(ctx context.Context, env *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	all, err := o.exports(e)
	if err != nil {
		return err
	}
	stdout := 0
	for i := range all {
		x := &all[i]
		if x.Type == "cacheonly" {
			continue
		}
		if err := x.finish(ctx, env, e, o); err != nil {
			return err
		}
		if x.Type == client.ExporterImage || x.Type == moby {
			if x.pushes() && x.Attrs["name"] == "" {
				return regpass.Usagef("an image is pushed by its name; give one with --tag")
			}
		}
		if x.Type == moby && x.pushes() && !e.ImageStore() {
			if by, _ := strconv.ParseBool(x.Attrs["push-by-digest"]); by {
				return noImageStore("can't push by digest")
			}
			delete(x.Attrs, "push")
			p.Push = append(p.Push, strings.Split(x.Attrs["name"], ",")...)
		}
		if x.dest == "-" {
			stdout++
		}
		p.Opt.Exports = append(p.Opt.Exports, x.ExportEntry)
	}
	switch {
	case stdout > 1:
		return regpass.Usagef("two outputs go to standard output")
	case len(all) == 0:
		p.Warnings = append(p.Warnings,
			"no output is asked for, so the image stays in the builder's cache; --push, --load or --output take it out")
	}
	return nil
}

// exports lists the outputs that the flags ask for together.
func (o Options) exports(e builder.Endpoint) ([]export, error) {
	var all []export
	pushed, loaded := false, false
	for _, text := range o.Outputs {
		x, err := parseExport(text)
		if err != nil {
			return nil, err
		}
		if o.Push && x.Type == client.ExporterImage {
			x.push()
			pushed = true
		}
		loaded = loaded || x.Type == client.ExporterDocker && x.dest == ""
		all = append(all, x)
	}
	if o.Push && !pushed {
		x := export{ExportEntry: client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{}}}
		x.push()
		all = append(all, x)
	}
	if o.Load && !loaded || len(all) == 0 && e.Moby {
		all = append(all, export{ExportEntry: client.ExportEntry{Type: client.ExporterDocker, Attrs: map[string]string{}}})
	}
	return all, nil
}

// finish completes x for the endpoint.
func (x *export) finish(ctx context.Context, env *regpass.Env, e builder.Endpoint, o Options) error {
	switch x.Type {
	case client.ExporterImage, client.ExporterOCI, client.ExporterDocker:
		if len(o.Tags) > 0 {
			x.Attrs["name"] = strings.Join(o.Tags, ",")
		}
	}
	toFile := x.Type == client.ExporterTar
	switch x.Type {
	case client.ExporterLocal:
		return x.toDir(env)
	case client.ExporterOCI, client.ExporterDocker:
		if tar, err := strconv.ParseBool(x.Attrs["tar"]); err == nil && !tar {
			return x.toDir(env)
		}
		toFile = x.Type == client.ExporterOCI || x.dest != ""
	}
	switch {
	case toFile:
		return x.toFile(env, e)
	case x.Type == client.ExporterDocker && !e.Moby:
		return x.toDocker(ctx, env, o)
	case e.Moby && (x.Type == client.ExporterDocker || x.Type == client.ExporterImage):
		x.Type = moby
		if e.ImageStore() {
			x.Attrs["prefer-image-digest"] = "true"
		}
	}
	return nil
}

func (x *export) toDir(env *regpass.Env) error {
	if x.dest == "" || x.dest == "-" {
		return regpass.Usagef("type=%s needs dest=FOLDER", regpass.Quote(x.Type))
	}
	var err error
	if x.OutputDir, err = env.Output(x.dest); err != nil {
		return err
	}
	if _, err := os.Stat(x.OutputDir); err == nil && !isDir(x.OutputDir) {
		return regpass.Usagef("%s is a file", regpass.Quote(x.dest))
	}
	return nil
}

// toFile has an archive written. The file is created when the builder begins to send it.
func (x *export) toFile(env *regpass.Env, e builder.Endpoint) error {
	if x.Type != client.ExporterTar && !e.ImageStore() {
		return noImageStore("can't write type=%s", regpass.Quote(x.Type))
	}
	if x.dest == "" || x.dest == "-" {
		x.dest = "-"
		if f, ok := env.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return regpass.Usagef("type=%s would go to the terminal; give it dest=FILE", regpass.Quote(x.Type))
		}
		x.Output = func(map[string]string) (io.WriteCloser, error) { return nopCloser{env.Stdout}, nil }
		return nil
	}
	name, err := env.Output(x.dest)
	if err != nil {
		return err
	}
	if isDir(name) {
		return regpass.Usagef("%s is a folder", regpass.Quote(x.dest))
	}
	x.Output = func(map[string]string) (io.WriteCloser, error) {
		if _, err := env.Output(x.dest); err != nil { // something may have put a link there since
			return nil, err
		}
		return os.Create(name)
	}
	return nil
}

// nopCloser is a stream that stays open.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// toDocker has the image loaded into the Docker daemon of this machine, in the form that the daemon takes.
func (x *export) toDocker(ctx context.Context, env *regpass.Env, o Options) error {
	d, err := builder.CurrentDocker(env)
	if name := x.Attrs["context"]; name != "" {
		d, err = builder.DockerContext(env, name)
	}
	if err != nil {
		return err
	}
	delete(x.Attrs, "context")
	oci, err := d.TakesOCI(ctx)
	if err != nil {
		return regpass.Hintf(err, "the image would be loaded into Docker at %s; without Docker, write it to a file with "+
			"--output type=docker,dest=FILE", regpass.Quote(d.Host))
	}
	switch {
	case oci:
		x.Type = client.ExporterOCI
		x.Attrs["prefer-image-digest"] = "true"
	case len(o.Platforms) > 1:
		return regpass.Usagef("this Docker daemon keeps one platform of an image")
	}
	x.Output = func(map[string]string) (io.WriteCloser, error) { return d.Loader(ctx), nil }
	return nil
}
