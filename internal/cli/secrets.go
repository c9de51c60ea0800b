package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync/clients"
)

func newSecrets(a *app) *cobra.Command {
	var credential credentialFlags
	var format string
	var docs []string
	for _, d := range buildtool.Dialects {
		docs = append(docs, fmt.Sprintf("  %-9s %s", d.Name, d.Doc))
	}
	cmd := &cobra.Command{
		Use:   "secrets [REGISTRY…]",
		Short: "Prepare secrets for docker, buildx, bake, compose, podman or buildah",
		Long: `Write credentials to private files in the session's folder, and print the flags that give them to a container
build as secrets. The files stay until ` + "`regpass logout`" + `. Run a build that may outlive its tokens under
` + "`regpass exec`" + `, which keeps the files fresh and adds the flags itself.

A Dockerfile mounts a secret in the steps that need it, and the secret gets into no layer:
  RUN --mount=type=secret,id=netrc NETRC=/run/secrets/netrc pip install …
  RUN --mount=type=secret,id=uv_index_acme_username,env=UV_INDEX_ACME_USERNAME …
The ids are those of the files below, pyx_auth_token or another variable of the registry's own client,
uv_index_NAME_username and _password of a registry with name=NAME, and the name of each host, with : and the like
written as _. uv sends uv_index_NAME_password wherever the project in the build says that the index is; the file uv is
bound to the registry's host. BuildKit itself asks for HTTP_AUTH_TOKEN_HOST (ADD https://…) and GIT_AUTH_TOKEN.HOST.
--format json lists them all and how to mount each.

Files, and the variable to set in a step that mounts one:
` + mountable() + `
Formats:
` + strings.Join(docs, "\n"),
		Example: `  docker buildx build $(regpass secrets pyx.dev) .
  docker buildx bake $(regpass secrets pyx.dev --format bake)
  regpass secrets pyx.dev --format bake-file > regpass.json
  regpass secrets pyx.dev --format compose > compose.secrets.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := buildtool.FindDialect(format)
			if err != nil {
				return fmt.Errorf("secrets: %w", err)
			}
			return secrets(cmd.Context(), a, args, &credential, d)
		},
	}
	credential.add(a, cmd)
	credential.addUnavailable(cmd)
	cmd.Flags().StringVar(&format, "format", buildtool.Dialects[0].Name, "print the flags for a `PROGRAM`")
	addJSON(cmd, &format)
	return cmd
}

// mountable lists the files that a step can mount, with how its client finds each.
func mountable() string {
	var b strings.Builder
	var files [][2]string
	for _, c := range clients.All {
		if c.Build.ID == "" {
			continue
		}
		points := c.Var + "=" + c.Build.Target
		if dir := c.MountDir(); dir != "" {
			points = c.Var + "=" + dir + ", a tmpfs: a lock is written beside the file"
		}
		files = append(files, [2]string{c.Build.ID, points})
	}
	rows(&b, files)
	return b.String()
}

func secrets(ctx context.Context, a *app, args []string, credential *credentialFlags, d buildtool.Dialect) error {
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	if err := a.checkIndexNames(refs); err != nil {
		return err
	}
	credential.options.Least.Half = true
	s, all, err := credential.leases(ctx, a, refs)
	if err != nil {
		return err
	}
	files, warnings, err := secretFiles(s.Files(), all)
	if err != nil {
		return err
	}
	text, err := d.Text(files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, credential.options.Timeout)
	defer cancel()
	if err := s.Apply(ctx, nil, buildtool.Written(files)...); err != nil {
		return err
	}
	a.say.warnings(warnings)
	if first := broker.Ends(all); !first.IsZero() {
		a.say.notef("the files are good until %s; for a longer build use `regpass exec`", first.Format(time.TimeOnly))
	}
	if d.Note != nil {
		a.say.notef("secrets: %s", d.Note(files))
	}
	_, err = fmt.Fprintln(a.env.Stdout, text)
	return err
}
