package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/setup"
	"github.com/regpass/regpass/helper"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

func newInstall(a *app) *cobra.Command {
	var bin string
	cmd := &cobra.Command{
		Use:   "install NAME [REGISTRY…]",
		Short: "Have a client ask for good, without `regpass exec`",
		Long: "Have a client ask for good: change its own configuration, and put a link of the helper's name into a\n" +
			"folder on PATH. `regpass helper uninstall` puts both back as they were. The file holds no secret.\n" +
			installDocs(),
		Example: "  regpass helper install git\n  regpass helper install docker ghcr.io 'registry.acme.example type=key'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.install(cmd.Context(), args, bin)
		},
	}
	cmd.Flags().StringVar(&bin, "bin", "", "folder on PATH for the links, as `FOLDER`; by default ~/.local/bin")
	return cmd
}

// installDocs lists what can be installed.
func installDocs() string {
	var b strings.Builder
	for _, c := range setup.All {
		if c.Not == "" {
			fmt.Fprintf(&b, "\n%s: %s", c.Name, c.Doc)
		}
	}
	return b.String()
}

func newUninstall(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall NAME",
		Short: "Undo `regpass helper install`",
		Long: `Undo ` + "`regpass helper install`" + `: put the client's configuration back byte for byte, or take only our
lines out of it if it has been changed since, and remove the links.`,
		Example: "  regpass helper uninstall docker",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return regpass.Usagef("uninstall: one helper is needed")
			}
			return a.uninstall(cmd.Context(), args[0])
		},
	}
}

func (a *app) install(ctx context.Context, args []string, bin string) error {
	if len(args) == 0 {
		args = []string{""}
	}
	c, err := setup.Find(args[0])
	if err != nil {
		return err
	}
	p, err := helper.Find(c.Name)
	if err != nil {
		return err
	}
	refs, err := a.installRefs(c, args[1:])
	if err != nil {
		return err
	}
	path := c.Path(a.env)
	if path == "" {
		return regpass.Hintf(fmt.Errorf("%s: there is no folder for its configuration", c.Name), "set HOME")
	}
	program, err := a.lasting()
	if err != nil {
		return err
	}
	if bin == "" && filepath.IsAbs(a.env.Home) {
		bin = filepath.Join(a.env.Home, ".local", "bin")
	}
	if bin == "" {
		return regpass.Hintf(regpass.Usagef("install: there is no folder for the links"), "name one with --bin")
	}
	bin = a.env.Abs(bin)
	dir, err := session.Installed(a.env, c.Name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.set.Timeout)
	defer cancel()
	s, err := session.Open(a.env, dir)
	if err != nil {
		return err
	}
	if err = a.installIn(ctx, s, c, p, program, bin, path, refs); err != nil {
		if s.Made() {
			a.undoInstall(context.WithoutCancel(ctx), s)
		}
		return err
	}
	a.say.notef("wrote %s", path)
	for _, name := range p.Programs {
		a.say.notef("linked %s to %s", filepath.Join(bin, name), program)
	}
	if !slices.Contains(filepath.SplitList(a.env.Getenv("PATH")), bin) {
		a.say.Warn(regpass.Hintf(fmt.Errorf("%s is not on PATH, so %s does not find the helper", bin, c.Name),
			"add it to PATH, or name another folder with --bin"))
	}
	return nil
}

func (a *app) installIn(ctx context.Context, s *session.Session, c setup.Client, p helper.Protocol,
	program, bin, path string, refs []regpass.Ref) error {
	var texts []string
	for _, r := range refs {
		texts = append(texts, r.Text())
	}
	earlier, err := a.installedFor(p)
	if err != nil {
		return err
	}
	var entries []envsync.Entry
	for _, r := range append(earlier, refs...) {
		t, err := registry.Open(a.env, r)
		if err != nil {
			return err
		}
		for _, host := range t.Hosts {
			entries = append(entries, envsync.Entry{Ref: r, Cred: regpass.Credential{Host: host}})
		}
	}
	if len(refs) == 0 && !c.NeedsHosts() {
		entries = nil // for all of them
	}
	if err := s.Install(ctx, program, bin, p.Programs, texts); err != nil {
		return err
	}
	return s.Apply(ctx, []envsync.Change{{Path: path, Format: c.Format, Entries: entries,
		ByHand: "enter it yourself, see `regpass helper " + c.Name + " --help`, and take the link from " + bin}})
}

// installRefs are the registries for which a helper is installed.
func (a *app) installRefs(c setup.Client, args []string) ([]regpass.Ref, error) {
	if len(args) == 0 {
		if c.NeedsHosts() {
			err := regpass.Usagef("install: %s asks by the host, and no registry is named", c.Name)
			return nil, regpass.Hintf(err, "name them: `regpass helper install %s https://…`", c.Name)
		}
		return nil, nil
	}
	if !c.TakesHosts() {
		err := regpass.Usagef("install: %s asks for every registry, so none can be named", c.Name)
		return nil, regpass.Hintf(err, "leave it out: the helper answers for the registries that a project or a login names")
	}
	refs, err := a.namedByUser(args)
	if err != nil {
		return nil, err
	}
	return a.vouch(refs)
}

// installedFor lists the registries for which a helper was installed.
func (a *app) installedFor(p helper.Protocol) ([]regpass.Ref, error) {
	dir, err := session.Installed(a.env, p.Name)
	if err != nil {
		return nil, nil // without a home nothing is installed
	}
	s, err := session.At(a.env, dir)
	if err != nil || s == nil {
		return nil, err
	}
	texts, err := s.Named()
	var refs []regpass.Ref
	for _, text := range texts {
		r, bad := regpass.ParseRef(text)
		if bad != nil {
			return nil, bad
		}
		r.Origin, r.Trusted = "`regpass helper install`", true // on the command line
		refs = append(refs, r)
	}
	return refs, err
}

func (a *app) uninstall(ctx context.Context, name string) error {
	c, err := setup.Find(name)
	if err != nil {
		return err
	}
	dir, err := session.Installed(a.env, c.Name)
	if err != nil {
		return err
	}
	s, err := session.At(a.env, dir)
	if err != nil {
		return err
	}
	if s == nil {
		_ = os.Remove(filepath.Dir(dir)) // left by an install that was killed, if it is empty
		a.say.notef("%s is not installed, so there is nothing to undo", c.Name)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.set.Timeout)
	defer cancel()
	if !a.undoInstall(ctx, s) {
		return fmt.Errorf("uninstall: %s is not put back whole", c.Name)
	}
	return nil
}

// undoInstall puts back what an install changed, and reports whether all of it could be.
func (a *app) undoInstall(ctx context.Context, s *session.Session) bool {
	did, warnings := s.End(ctx, nil, session.Ending{})
	for _, d := range did {
		a.say.notef("%s", d)
	}
	a.warnAll(warnings)
	_ = os.Remove(filepath.Dir(s.Dir)) // the folder of all helpers, if this was the last
	return len(warnings) == 0
}

// passing are parts of paths below which nothing stays: caches of uvx, npx and the like.
var passing = []string{".cache", "Caches", "Cache", "archive-v0", "_npx", "_cacache", "Temp"}

// lasting is the path of our own program that stays valid: a name on PATH which leads to it, since an upgrade exchanges
// the program below, otherwise its own. One in a cache is refused.
func (a *app) lasting() (string, error) {
	self, err := filepath.EvalSymlinks(a.env.Program)
	if err != nil || !filepath.IsAbs(self) {
		return "", errors.New("install: the system does not say where our own program lies")
	}
	name := "regpass"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	for _, dir := range append(filepath.SplitList(a.env.Getenv("PATH")), filepath.Dir(self)) {
		path := filepath.Join(dir, name)
		to, err := filepath.EvalSymlinks(path)
		if err == nil && to == self && filepath.IsAbs(path) && stays(path) {
			return path, nil
		}
	}
	if stays(self) {
		return self, nil
	}
	err = fmt.Errorf("install: this program lies in a cache, %s, and will not stay there", regpass.Quote(self))
	return "", regpass.Hintf(err, "install it first, such as with `uv tool install regpass`")
}

// stays reports whether a path is in no cache.
func stays(path string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if slices.Contains(passing, part) {
			return false
		}
	}
	return true
}
