package secret

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
)

// bakeTarget is the target of BakeFile. A bake file can name no target that it does not know, so those that are to have
// the secrets inherit from this one, as they do from docker/metadata-action's.
const bakeTarget = "regpass"

// notBake is what an HCL string, which a JSON string in a bake file is, takes for a template
// (https://github.com/hashicorp/hcl/blob/main/json/spec.md#expressions).
var notBake = strings.NewReplacer("${", "$${", "%{", "%%{")

// BakeFile is a file to name after one's own: `docker buildx bake -f docker-bake.hcl -f FILE`, or in files: of
// docker/bake-action. It gives the secrets to all targets that inherit from the target regpass, besides those that they
// have. One's own file has to have such a target too, which may be empty, so that it works by itself.
func BakeFile(secrets []UserDefined) ([]byte, error) {
	list := []string{}
	for _, s := range secrets {
		list = append(list, notBake.Replace(s.String()))
	}
	target := map[string]any{bakeTarget: map[string]any{"secret": list}}
	return json.MarshalIndent(map[string]any{"target": target}, "", "  ")
}

// BakeAllow are the values of --allow, or of docker/bake-action's allow:, that bake asks for before it reads the files
// of the secrets: those below its working directory it reads anyway (0.22 or newer;
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
