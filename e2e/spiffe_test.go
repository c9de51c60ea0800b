package e2e

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// spiffeAgent is a SPIFFE Workload API, whose workload is spiffe://acme.example/ci.
type spiffeAgent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	f *fixture
}

// FetchJWTSVID makes a token for the one audience that is asked for.
func (a spiffeAgent) FetchJWTSVID(ctx context.Context, r *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(md.Get("workload.spiffe.io"), []string{"true"}) || len(r.GetAudience()) != 1 {
		return nil, status.Error(codes.InvalidArgument, "security header missing, or not one audience")
	}
	const id = "spiffe://acme.example/ci"
	now := a.f.clock.now()
	token, err := a.f.issuer.Sign(map[string]any{"iss": a.f.issuer.URL, "sub": id, "aud": r.GetAudience(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()})
	if err != nil {
		return nil, err
	}
	return &workload.JWTSVIDResponse{Svids: []*workload.JWTSVID{{SpiffeId: id, Svid: token.Reveal()}}}, nil
}

// cmdSpiffe is the command spiffe: an agent of SPIFFE is on this machine.
func cmdSpiffe(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, spiffeAgent{f: fixtureOf(ts)})
	go func() { _ = server.Serve(l) }()
	ts.Defer(server.Stop)
	ts.Setenv("SPIFFE_ENDPOINT_SOCKET", "tcp://"+l.Addr().String())
}
