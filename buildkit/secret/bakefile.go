package secret

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
)

// bakeTarget is the target of BakeFile. A bake file cannot add to a target that it does not define, so the targets that
// need the secrets inherit from this one, as they do from docker/metadata-action's.
const bakeTarget = "regpass"

// escapeTemplate escapes the starts of a template: a JSON string in a bake file is read as an HCL string
// (https://github.com/hashicorp/hcl/blob/main/json/spec.md#expressions).
var escapeTemplate = strings.NewReplacer("${", "$${", "%{", "%%{")

// BakeFile is a bake file to name after the user's own: `docker buildx bake -f docker-bake.hcl -f FILE`, or in files:
// of docker/bake-action. All targets that inherit from the target regpass get the secrets in addition to their own. The
// user's file must define that target too, even if it is empty, so that it works without this one.
func BakeFile(secrets []UserDefined) ([]byte, error) {
	list := []string{}
	for _, s := range secrets {
		list = append(list, escapeTemplate.Replace(s.String()))
	}
	target := map[string]any{bakeTarget: map[string]any{"secret": list}}
	return json.MarshalIndent(map[string]any{"target": target}, "", "  ")
}

// BakeAllow lists the values of --allow, or of docker/bake-action's allow:, that bake asks for before it reads the
// files of the secrets. It reads files below its working directory without them (0.22 or newer;
// https://docs.docker.com/reference/cli/docker/buildx/bake/#allow).
func BakeAllow(secrets []UserDefined) []string {
	var all []string
	for _, s := range secrets {
		if s.Src != "" {
			all = append(all, "fs.read="+filepath.Dir(s.Src))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
