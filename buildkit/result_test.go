package buildkit

import (
	"encoding/json"
	"testing"
)

func TestResultIsWhatBuildxWrites(t *testing.T) {
	r := Result{"containerimage.digest": "sha256:1", "image.name": "e30=", "containerimage.descriptor": "eyJzaXplIjoxfQ=="}
	if r.ImageID() != "sha256:1" {
		t.Error(r.ImageID())
	}
	r["containerimage.config.digest"] = "sha256:2"
	if r.ImageID() != "sha256:2" {
		t.Error(r.ImageID())
	}
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Digest     string               `json:"containerimage.digest"`
		Name       string               `json:"image.name"`
		Descriptor struct{ Size int64 } `json:"containerimage.descriptor"`
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Digest != "sha256:1" || got.Name != "e30=" ||
		got.Descriptor.Size != 1 {
		t.Errorf("%s %v", text, err)
	}
}
