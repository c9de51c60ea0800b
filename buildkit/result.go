package buildkit

import (
	"encoding/base64"
	"encoding/json"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
)

// ImageID is what `docker buildx build --iidfile` writes: the config's digest if the image went to Docker, otherwise
// the digest of the manifest or index. It is empty if no image was exported.
func (r Result) ImageID() string {
	if d := r[exptypes.ExporterImageConfigDigestKey]; d != "" {
		return d
	}
	return r[exptypes.ExporterImageDigestKey]
}

// JSON is what `docker buildx build --metadata-file` writes: an object of all keys. A value that is JSON in base64 is
// decoded.
func (r Result) JSON() ([]byte, error) {
	all := map[string]any{}
	for k, v := range r {
		all[k] = v
		text, err := base64.StdEncoding.DecodeString(v)
		if err == nil && len(text) > 2 && (text[0] == '{' || text[0] == '[') && json.Valid(text) {
			all[k] = json.RawMessage(text)
		}
	}
	return json.MarshalIndent(all, "", "  ")
}
