package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"github.com/regpass/regpass"
)

// deleteRecordTimeout is how long a builder may take to end a canceled build, and to release its records.
const deleteRecordTimeout = 15 * time.Second

// Forget deletes the builder's record of the build ref, which holds the output of its steps. The builder writes the
// record of a canceled build when it has ended the build, so Forget waits for that.
func (e Endpoint) Forget(ctx context.Context, env *regpass.Env, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, deleteRecordTimeout)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait *= 2 {
		active, err := e.active(ctx, ref)
		switch {
		case unimplemented(err):
			return nil // a builder that keeps no records
		case err == nil && active:
			err = env.Wait(ctx, wait)
		case err == nil:
			if err = e.deleteRecord(ctx, ref); err == nil {
				return nil
			}
		}
		if err != nil {
			return regpass.Hintf(fmt.Errorf("build: the builder's record of this build could not be deleted: %w", shown(err)),
				"its log holds the token: `docker buildx history rm %s`", ref)
		}
	}
}

// active reports whether the builder still runs the build.
func (e Endpoint) active(ctx context.Context, ref string) (bool, error) {
	events, err := e.Client.ControlClient().ListenBuildHistory(ctx,
		&control.BuildHistoryRequest{ActiveOnly: true, EarlyExit: true})
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

// deleteRecord deletes the record of a build, and has the builder collect its garbage.
func (e Endpoint) deleteRecord(ctx context.Context, ref string) error {
	_, err := e.Client.ControlClient().UpdateBuildHistory(ctx, &control.UpdateBuildHistoryRequest{Ref: ref, Delete: true})
	return err
}

func unimplemented(err error) bool { return grpcerrors.Code(err) == codes.Unimplemented }
