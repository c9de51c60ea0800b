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

// blob is what a manifest says of a blob.
type blob struct {
	kind   string
	layer  int
	config string // digest of the config that a layer's history is in
}

// blobPath matches the path of a blob in an OCI layout and in BuildKit's content store
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
var blobPath = regpass.Pattern(`(?:^|/)blobs/([a-z0-9+._-]+)/([0-9a-f]{32,})$`)

// dockerLayer matches a layer in what `docker save` wrote before it wrote OCI layouts.
var dockerLayer = regpass.Pattern(`^[0-9a-f]{64}(/layer)?\.tar$`)

// file is the place of a file that is called name in the archive or folder at p.
func (p place) file(name string) place {
	name = path.Clean(strings.TrimLeft(strings.TrimPrefix(name, "./"), "/"))
	if p.blob == "" && p.path == "" {
		if m := blobPath().FindStringSubmatch(name); m != nil {
			return place{blob: m[1] + ":" + m[2], depth: p.depth}
		}
		if dockerLayer().MatchString(name) {
			return place{blob: name, depth: p.depth}
		}
	}
	if p.path != "" {
		name = p.path + "!" + name
	}
	p.path = name
	return p
}

// maxJSON is the longest JSON that is read for what it says, in bytes; a registry takes no manifest over 4 MiB
// (https://github.com/opencontainers/distribution-spec), but a provenance may be longer.
const maxJSON = 32 << 20

// json reads a manifest, and whatever base64 is in a JSON text: the Dockerfile in a provenance, an auth in a config.
func (s *scan) json(at place, r io.Reader) error {
	if at.depth > 2 && at.blob == "" || at.blob != "" && at.path != "" {
		return nil // a file of a layer, which there are many of
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
			return nil // it was searched as it is
		}
		if err != nil {
			return err
		}
		text, ok := t.(string)
		if !ok || len(text) < 8 {
			continue
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			if plain, err := enc.DecodeString(text); err == nil {
				s.text(at, "base64", string(plain))
			}
		}
	}
}

// manifest remembers what a manifest or index says of other blobs. What is none has nothing of it.
func (s *scan) manifest(at place, data []byte) {
	if path.Base(at.path) == "manifest.json" {
		var images []struct {
			Config string
			Layers []string
		}
		if json.Unmarshal(data, &images) == nil {
			for _, i := range images {
				config := place{}.file(i.Config).blob
				s.name(config, blob{kind: "config"})
				for n, l := range i.Layers {
					s.name(place{}.file(l).blob, blob{"layer", n + 1, config})
				}
			}
		}
		return
	}
	type descriptor struct{ MediaType, Digest string }
	var m struct {
		Config            *descriptor
		Layers, Manifests []descriptor
		History           []made
	}
	if json.Unmarshal(data, &m) != nil {
		return
	}
	if m.Manifests != nil {
		s.name(at.blob, blob{kind: "index"})
	}
	s.history(at, m.History)
	if m.Config == nil || m.Config.Digest == "" { // an image config has a "config" too
		return
	}
	s.name(at.blob, blob{kind: "manifest"})
	s.name(m.Config.Digest, blob{kind: "config"})
	for n, l := range m.Layers {
		if strings.HasPrefix(l.MediaType, "application/vnd.in-toto") {
			s.name(l.Digest, blob{kind: "attestation"})
		} else {
			s.name(l.Digest, blob{"layer", n + 1, m.Config.Digest})
		}
	}
}

// name remembers what a blob is; what was said first counts.
func (s *scan) name(dgst string, b blob) {
	if _, ok := s.blobs[dgst]; !ok && dgst != "" {
		s.blobs[dgst] = b
	}
}

// made is an entry of an image config's history
// (https://github.com/opencontainers/image-spec/blob/main/config.md#properties).
type made struct {
	By    string `json:"created_by"`
	Empty bool   `json:"empty_layer"`
}

// history remembers what the layers of the image whose config is at a place were made by, of all images together no more
// than one JSON may say.
func (s *scan) history(at place, all []made) {
	if at.blob == "" || at.path != "" || s.made[at.blob] != nil {
		return
	}
	var by []string
	for _, m := range all {
		if s.madeSize += len(m.By); s.madeSize > maxJSON {
			return
		}
		if !m.Empty {
			by = append(by, string(s.known.Redact([]byte(m.By))))
		}
	}
	s.made[at.blob] = by
}

// by is what a layer was made by, if its image says so.
func (s *scan) by(b blob) string {
	if by := s.made[b.config]; b.layer > 0 && b.layer <= len(by) {
		return by[b.layer-1]
	}
	return ""
}
