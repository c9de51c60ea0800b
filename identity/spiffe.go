package identity

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regpass/regpass"
)

// spiffeVar names the socket of the agent
// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_Endpoint.md#4-locating-the-endpoint).
const spiffeVar = "SPIFFE_ENDPOINT_SOCKET"

// maxSVIDs is the longest answer of the agent that is read, in bytes.
const maxSVIDs = 1 << 20

// spiffeToken asks the agent on this machine for a JWT-SVID, which is an ID token whose iss may be missing. The agent
// knows by the socket who asks, so nothing secret is sent. Of several identities the first is the default.
//
//	/SpiffeWorkloadAPI/FetchJWTSVID   workload.spiffe.io: true   {audience: [A]}
//	{svids: [{spiffe_id, svid}]}
//
// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_API.md#62-jwt-svid-profile
func spiffeToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	network, address, err := spiffeEndpoint(env.Getenv(spiffeVar))
	if err != nil {
		return regpass.Secret{}, regpass.Hintf(err, "%s", spiffeSetup(audience))
	}
	dial := func(ctx context.Context, _ string) (net.Conn, error) { // not by way of a proxy
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	conn, err := grpc.NewClient("passthrough:///agent", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // it never leaves the machine
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxSVIDs)))
	if err != nil {
		return regpass.Secret{}, err
	}
	defer conn.Close()
	var got firstSVID
	err = env.Retry(ctx, func(ctx context.Context) (err error) {
		ctx = metadata.AppendToOutgoingContext(ctx, "workload.spiffe.io", "true")
		err = conn.Invoke(ctx, "/SpiffeWorkloadAPI/FetchJWTSVID", forAudience(audience), &got,
			grpc.ForceCodecV2(svidCodec{}))
		return spiffeError(ctx, err, audience)
	})
	switch {
	case err != nil:
		return regpass.Secret{}, err
	case !got.there:
		return regpass.Secret{}, spiffeError(ctx, status.Error(codes.PermissionDenied, "the answer has none"), audience)
	}
	return regpass.NewSecret(got.token), nil
}

// spiffeEndpoint reads unix:///PATH or tcp://IP:PORT. Tokens come from there in clear, so it is on this machine, or at
// an address that does not leave its network.
func spiffeEndpoint(text string) (network, address string, err error) {
	if text == "" {
		return "", "", regpass.NoIdentityf("%s is not set", spiffeVar)
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", regpass.NoIdentityf("%s is neither unix:///PATH nor tcp://IP:PORT", spiffeVar)
	}
	switch at, err := netip.ParseAddrPort(u.Host); {
	case u.Scheme == "unix" && u.Host == "" && filepath.IsAbs(u.Path):
		if _, err := os.Stat(u.Path); err != nil {
			return "", "", regpass.NoIdentityf("%s: there is no agent: %w", spiffeVar, regpass.Reason(err))
		}
		return "unix", u.Path, nil
	case u.Scheme == "tcp" && u.Path == "" && err == nil && at.Port() > 0:
		if ip := at.Addr(); !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
			return "", "", regpass.NoIdentityf("%s: %s is not on this machine, and tokens come from it in clear", spiffeVar, at)
		}
		return "tcp", at.String(), nil
	}
	return "", "", regpass.NoIdentityf("%s is neither unix:///PATH nor tcp://IP:PORT", spiffeVar)
}

// spiffeError explains what the agent says. Its text is somebody else's, so it is quoted.
func spiffeError(ctx context.Context, err error, audience string) error {
	const op = "ask the SPIFFE agent for a JWT-SVID"
	s, _ := status.FromError(err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", op, ctx.Err())
	case s.Code() == codes.DeadlineExceeded: // the agent knows our limit, and may see its end first
		return fmt.Errorf("%s: %w", op, context.DeadlineExceeded)
	case s.Code() == codes.PermissionDenied:
		err := regpass.NoIdentityf("%s: no identity is issued to this process: %s", op, regpass.Quote(s.Message()))
		return regpass.Hintf(err, "register it at the SPIRE server:\n%s", spiffeEntry)
	case s.Code() == codes.Unavailable:
		err := regpass.TryAgain(fmt.Errorf("%s: it cannot be reached: %s", op, regpass.Quote(s.Message())))
		return regpass.Hintf(err, "the agent must run, and its socket must be there for this process:\n%s",
			spiffeSetup(audience))
	}
	return errors.New(strings.Join([]string{op, s.Code().String(), regpass.Quote(s.Message())}, ": "))
}

// spiffeEntry is the command that registers a workload, here one that runs as a user
// (https://spiffe.io/docs/latest/deploying/registering/).
const spiffeEntry = "spire-server entry create -parentID spiffe://DOMAIN/AGENT -spiffeID spiffe://DOMAIN/ci" +
	" -selector unix:uid:UID"

func spiffeSetup(audience string) string {
	const format = "export SPIFFE_ENDPOINT_SOCKET=unix:///run/spire/agent-sockets/spire-agent.sock" +
		"  # regpass asks there for a JWT-SVID for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
