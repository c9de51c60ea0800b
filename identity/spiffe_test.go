package identity_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// agent is a strict SPIFFE Workload API.
type agent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	issuer *fake.Issuer
	claims map[string]any
	fails  []error // of the next calls
	svids  func(token string) []*workload.JWTSVID
	hang   bool
	asked  int
}

func (a *agent) FetchJWTSVID(ctx context.Context, r *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	a.asked++
	md, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(md.Get("workload.spiffe.io"), []string{"true"}) {
		return nil, status.Error(codes.InvalidArgument, "security header missing from request")
	}
	if len(r.GetAudience()) != 1 || r.GetSpiffeId() != "" {
		return nil, status.Error(codes.InvalidArgument, "not one audience")
	}
	if a.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if len(a.fails) > 0 {
		err := a.fails[0]
		a.fails = a.fails[1:]
		return nil, err
	}
	const id = "spiffe://acme.example/ci"
	all := map[string]any{"sub": id, "aud": r.GetAudience(), "iat": noon.Unix(), "exp": noon.Add(5 * time.Minute).Unix(),
		"iss": nil}
	for name, value := range a.claims {
		all[name] = value
	}
	token, err := a.issuer.Sign(all)
	if err != nil {
		return nil, err
	}
	svids := []*workload.JWTSVID{{SpiffeId: id, Svid: token.Reveal()}, {SpiffeId: id + "2", Svid: "other"}}
	if a.svids != nil {
		svids = a.svids(token.Reveal())
	}
	return &workload.JWTSVIDResponse{Svids: svids}, nil
}

// listenAgent serves an agent on a socket or on loopback, and returns its address as SPIFFE_ENDPOINT_SOCKET has it.
func listenAgent(t *testing.T, a *agent, network string) string {
	t.Helper()
	a.issuer = issuer(t)
	at := "127.0.0.1:0"
	if network == "unix" {
		at = filepath.Join(t.TempDir(), "api.sock")
	}
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, a)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return network + "://" + l.Addr().String()
}

func TestSPIFFE(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // the agent is not asked by way of a proxy
	for _, network := range []string{"unix", "tcp"} {
		for _, issuer := range []any{nil, "https://oidc.acme.example"} {
			a := &agent{claims: map[string]any{"iss": issuer}}
			env, masked := surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": listenAgent(t, a, network)})
			p, ok := identity.Detect(env, "pyx")
			if !ok || p.Name != "spiffe" || a.asked > 0 {
				t.Fatalf("detected %q, asked %d times", p.Name, a.asked)
			}
			got, err := p.Get(t.Context(), env, "pyx")
			if err != nil {
				t.Fatal(err, regpass.Hints(err))
			}
			if s := got.Claims.Show(got.PolicyClaims); s != `sub="spiffe://acme.example/ci"` || a.asked != 1 ||
				!slices.Equal(*masked, []string{got.Token.Reveal()}) {
				t.Errorf("claims %s, asked %d times, masked %d", s, a.asked, len(*masked))
			}
		}
	}
}

func TestSPIFFEBroken(t *testing.T) {
	down := status.Error(codes.Unavailable, "no\n::error::agent")
	const start = "the agent must run, and its socket must be there"
	for name, test := range map[string]struct {
		agent      agent
		outcome    error
		says, hint string
		asked      int
	}{
		"not registered": {agent{fails: []error{status.Error(codes.PermissionDenied, "no identity issued")}},
			regpass.ErrNoIdentity, `no identity is issued to this process: "no identity issued"`,
			"spire-server entry create", 1},
		"down": {agent{fails: slices.Repeat([]error{down}, 5)}, nil, `it cannot be reached: "no\n::error::agent"`, start, 5},
		"broken": {agent{fails: []error{status.Error(codes.Internal, "##[error]x")}}, nil,
			`ask the SPIFFE agent for a JWT-SVID: Internal: "##\x5berror]x"`, "", 1},
		"none": {agent{svids: func(string) []*workload.JWTSVID { return nil }}, regpass.ErrNoIdentity,
			"no identity is issued to this process", "spire-server entry create", 1},
		"empty": {agent{svids: func(string) []*workload.JWTSVID { return []*workload.JWTSVID{{}} }},
			regpass.ErrNoIdentity, "the token is empty", "SPIFFE_ENDPOINT_SOCKET=unix:///", 1},
		"endless": {agent{svids: func(string) []*workload.JWTSVID {
			return []*workload.JWTSVID{{Svid: strings.Repeat("a", 2<<20)}}
		}}, nil, "ResourceExhausted", "", 1},
		"not text": {agent{svids: func(token string) []*workload.JWTSVID {
			return []*workload.JWTSVID{{Svid: token + "\n::add-mask::x"}}
		}}, regpass.ErrNoIdentity, "0x0a", "", 1},
		"for others": {agent{claims: map[string]any{"aud": "other"}}, regpass.ErrNoIdentity, `the audience "other"`, "", 1},
		"over":       {agent{claims: map[string]any{"exp": noon.Unix()}}, regpass.ErrNoIdentity, "expired 0s ago", "", 1},
		"an issuer that is no URL": {agent{claims: map[string]any{"iss": "spire"}}, regpass.ErrNoIdentity,
			`issuer "spire" is not an https URL`, "", 1},
		"an empty issuer": {agent{claims: map[string]any{"iss": ""}}, regpass.ErrNoIdentity, `issuer "" is not`, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := &test.agent
			env, _ := surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": listenAgent(t, a, "unix")})
			_, err := get(t, "spiffe", env)
			wants(t, err, test.outcome, test.says, test.hint)
			if err != nil {
				holdsNone(t, err)
			}
			if a.asked != test.asked {
				t.Errorf("asked %d times, want %d", a.asked, test.asked)
			}
		})
	}
}

// An agent that comes up late is asked again, and one that hangs ends with the time limit.
func TestSPIFFEWaits(t *testing.T) {
	late := &agent{fails: []error{status.Error(codes.Unavailable, "starting")}}
	env, _ := surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": listenAgent(t, late, "tcp")})
	if _, err := get(t, "spiffe", env); err != nil || late.asked != 2 {
		t.Errorf("asked %d times: %v", late.asked, err)
	}
	hangs := &agent{hang: true}
	env, _ = surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": listenAgent(t, hangs, "unix")})
	p, err := identity.Find("spiffe")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Get(ctx, env, "pyx"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestSPIFFEEndpoint(t *testing.T) {
	const form = "is neither unix:///PATH nor tcp://IP:PORT"
	for at, says := range map[string]string{
		"/run/agent.sock":                    form,
		"unix:/run/agent.sock?x":             form,
		"unix:run/agent.sock":                form,
		"unix://run/agent.sock":              form,
		"unix:///missing/agent.sock":         "there is no agent: no such file",
		"npipe:spire-agent":                  form,
		"https://127.0.0.1:1":                form,
		"tcp://127.0.0.1":                    form,
		"tcp://127.0.0.1:1/x":                form,
		"tcp://u:secretpassword@127.0.0.1:1": form,
		"tcp://localhost:1":                  form,
		"tcp://93.184.216.34:8081":           "93.184.216.34:8081 is not on this machine",
		"tcp://10.0.0.1:8081":                "10.0.0.1:8081 is not on this machine",
		"tcp://[2001:db8::1]:8081":           "is not on this machine",
		"dns:///evil.example":                form,
		"tcp://127.0.0.1:0":                  form,
	} {
		env, _ := surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": at})
		_, err := get(t, "spiffe", env)
		wants(t, err, regpass.ErrNoIdentity, says, "SPIFFE_ENDPOINT_SOCKET=unix:///")
		if err != nil {
			holdsNone(t, err, "secretpassword")
		}
	}
}

// Who takes ID tokens looks up the issuer, so only SPIFFE's may have none.
func TestNoIssuerIsForSPIFFE(t *testing.T) {
	for _, p := range identity.Providers {
		if p.NoIssuer != (p.Name == "spiffe") {
			t.Errorf("%s: no issuer: %v", p.Name, p.NoIssuer)
		}
	}
}
