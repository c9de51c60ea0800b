package image

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/regpass/regpass"
)

// blob is how a manifest describes a blob.
type blob struct {
	kind   string
	layer  int
	config string // digest of the config that holds the layer's history
}

// blobPath matches the path of a blob in an OCI layout and in BuildKit's content store
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
var blobPath = regpass.Pattern(`(?:^|/)blobs/([a-z0-9+._-]+)/([0-9a-f]{32,})$`)

// dockerLayer matches a layer in an archive of `docker save` from before it wrote OCI layouts.
var dockerLayer = regpass.Pattern(`^[0-9a-f]{64}(/layer)?\.tar$`)

// file is the location of the file called name in the archive at l.
func (l location) file(name string) location {
	name = path.Clean(strings.TrimLeft(strings.TrimPrefix(name, "./"), "/"))
	if l.blob == "" && l.path == "" {
		if m := blobPath().FindStringSubmatch(name); m != nil {
			return location{blob: m[1] + ":" + m[2], depth: l.depth}
		}
		if dockerLayer().MatchString(name) {
			return location{blob: name, depth: l.depth}
		}
	}
	if l.path != "" {
		name = l.path + "!" + name
	}
	l.path = name
	return l
}

// maxJSON is the longest JSON that is parsed, in bytes. A registry takes no manifest over 4 MiB
// (https://github.com/opencontainers/distribution-spec), but a provenance may be longer.
const maxJSON = 32 << 20

// json parses a manifest, and searches each text in a JSON that is base64: the Dockerfile in a provenance, an auth in a
// config.
func (s *scan) json(at location, r io.Reader) error {
	if at.depth > 2 && at.blob == "" || at.blob != "" && at.path != "" {
		return nil // a file of a layer, and there are many of those
	}
	data, err := regpass.ReadAll(r, maxJSON)
	if errors.Is(err, regpass.ErrTooLong) {
		return nil // searched as it is
	}
	if err != nil {
		return err
	}
	s.manifest(at, data)
	d := json.NewDecoder(strings.NewReader(string(data)))
	for {
		t, err := d.Token()
		var syntax *json.SyntaxError
		if err == io.EOF || errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // searched as it is
		}
		if err != nil {
			return err
		}
		if text, ok := t.(string); ok && len(text) >= 8 {
			s.base64(at, text)
		}
	}
}

// base64 searches text as it reads when it is decoded.
func (s *scan) base64(at location, text string) {
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		if plain, err := enc.DecodeString(text); err == nil {
			s.text(at, "base64", string(plain))
		}
	}
}

// manifest remembers how a manifest or an index describes other blobs. It ignores any other JSON.
func (s *scan) manifest(at location, data []byte) {
	if path.Base(at.path) == "manifest.json" {
		s.dockerManifest(data)
		return
	}
	type descriptor struct{ MediaType, Digest string }
	var m struct {
		Config            *descriptor
		Layers, Manifests []descriptor
		History           []historyEntry
	}
	if json.Unmarshal(data, &m) != nil {
		return
	}
	if m.Manifests != nil {
		s.describe(at.blob, blob{kind: "index"})
	}
	s.addHistory(at, m.History)
	if m.Config == nil || m.Config.Digest == "" { // an image config has a "config" too
		return
	}
	s.describe(at.blob, blob{kind: "manifest"})
	s.describe(m.Config.Digest, blob{kind: "config"})
	for n, l := range m.Layers {
		if strings.HasPrefix(l.MediaType, "application/vnd.in-toto") {
			s.describe(l.Digest, blob{kind: "attestation"})
		} else {
			s.describe(l.Digest, blob{"layer", n + 1, m.Config.Digest})
		}
	}
}

// dockerManifest remembers how the manifest.json of `docker save` describes other blobs.
func (s *scan) dockerManifest(data []byte) {
	var images []struct {
		Config string
		Layers []string
	}
	if json.Unmarshal(data, &images) != nil {
		return
	}
	for _, i := range images {
		config := location{}.file(i.Config).blob
		s.describe(config, blob{kind: "config"})
		for n, l := range i.Layers {
			s.describe(location{}.file(l).blob, blob{"layer", n + 1, config})
		}
	}
}

// describe remembers a description of a blob, if it is the first.
func (s *scan) describe(digest string, b blob) {
	if _, ok := s.blobs[digest]; !ok && digest != "" {
		s.blobs[digest] = b
	}
}

// historyEntry is an entry in the history of an image config
// (https://github.com/opencontainers/image-spec/blob/main/config.md#properties).
type historyEntry struct {
	CreatedBy  string `json:"created_by"`
	EmptyLayer bool   `json:"empty_layer"`
}

// addHistory remembers the commands that created the layers of the image whose config is at a location. The commands of
// all images together are at most maxJSON bytes.
func (s *scan) addHistory(at location, entries []historyEntry) {
	if at.blob == "" || at.path != "" || s.history[at.blob] != nil {
		return
	}
	var commands []string
	for _, e := range entries {
		if s.historySize += len(e.CreatedBy); s.historySize > maxJSON {
			return
		}
		if !e.EmptyLayer {
			commands = append(commands, string(s.known.Redact([]byte(e.CreatedBy))))
		}
	}
	s.history[at.blob] = commands
}

// createdBy is the command that created a layer, or "" if its image does not say.
func (s *scan) createdBy(b blob) string {
	if commands := s.history[b.config]; b.layer > 0 && b.layer <= len(commands) {
		return commands[b.layer-1]
	}
	return ""
}
