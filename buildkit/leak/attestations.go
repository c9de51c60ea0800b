package leak

import (
	"context"
	"fmt"
	"maps"
	"slices"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"

	"github.com/regpass/regpass"
)

const (
	// readChunk is how much is read at once, in bytes; a gRPC message may have 4 MiB (grpc-go,
	// defaultServerMaxReceiveMessageSize).
	readChunk      = 1 << 20
	maxAttestation = 64 << 20 // in bytes; a larger attestation is an error
	maxBundle      = 1000     // files; a larger bundle is an error
)

// config searches the image's configuration and all other metadata from the frontend.
func (w *Watch) config(res *gateway.Result) {
	for _, key := range slices.Sorted(maps.Keys(res.Metadata)) {
		for _, f := range w.known.Find(res.Metadata[key]) {
			w.leaks.add(f, inConfig, key, "")
		}
	}
}

// attestations searches the attestations that are part of a finished build.
func (w *Watch) attestations(ctx context.Context, res *gateway.Result) error {
	for _, platform := range slices.Sorted(maps.Keys(res.Attestations)) {
		for _, a := range res.Attestations[platform] {
			if err := w.attestation(ctx, a); err != nil {
				return fmt.Errorf("build: read the attestation %s: %w", regpass.Quote(w.Redact(a.Path)), err)
			}
		}
	}
	return nil
}

func (w *Watch) attestation(ctx context.Context, a gateway.Attestation) error {
	for key, value := range a.Metadata {
		for _, f := range w.known.Find(value) {
			w.leaks.add(f, inAttested, w.Redact(key), "")
		}
	}
	switch {
	case a.Ref == nil:
		return nil
	case a.Kind != gatewaypb.AttestationKind_Bundle:
		return w.attestedFile(ctx, a.Ref, a.Path)
	}
	files, err := a.Ref.ReadDir(ctx, gateway.ReadDirRequest{Path: a.Path})
	if err != nil {
		return err
	}
	if len(files) > maxBundle {
		return fmt.Errorf("it has %d files, more than the %d that are searched", len(files), maxBundle)
	}
	for _, f := range files {
		if err := w.attestedFile(ctx, a.Ref, a.Path+"/"+f.Path); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watch) attestedFile(ctx context.Context, ref gateway.Reference, path string) error {
	search := w.known.Search(func(f regpass.Match) { w.leaks.add(f, inAttested, w.Redact(path), "") })
	for at := 0; ; at += readChunk {
		if at > maxAttestation {
			return fmt.Errorf("it has more than the %d bytes that are searched", maxAttestation)
		}
		data, err := ref.ReadFile(ctx,
			gateway.ReadRequest{Filename: path, Range: &gateway.FileRange{Offset: at, Length: readChunk}})
		if err != nil {
			return err
		}
		_, _ = search.Write(data) // it does not fail
		if len(data) < readChunk {
			return search.Flush()
		}
	}
}
