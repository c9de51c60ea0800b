package buildkit

import (
	"context"
	"errors"
	"io"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// active reports whether the builder is still at the build.
func (e Endpoint) active(ctx context.Context, ref string) (bool, error) {
	events, err := e.client.ControlClient().ListenBuildHistory(ctx, &control.BuildHistoryRequest{ActiveOnly: true, EarlyExit: true})
	if err != nil {
		return false, err
	}
	for {
		ev, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		case ev.GetRecord().GetRef() == ref:
			return true, nil
		}
	}
}

// deleteRecord deletes what the builder wrote down of a build, and has it collect its garbage.
func (e Endpoint) deleteRecord(ctx context.Context, ref string) error {
	_, err := e.client.ControlClient().UpdateBuildHistory(ctx, &control.UpdateBuildHistoryRequest{Ref: ref, Delete: true})
	return err
}

func unimplemented(err error) bool { return grpcerrors.Code(err) == codes.Unimplemented }
