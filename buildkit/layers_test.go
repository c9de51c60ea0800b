package buildkit

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/plan"
	"github.com/regpass/regpass/buildkit/secret"
)

// TestLayersAreLeftAloneWhereNothingCanLeak asks nothing of the endpoint, which has no client.
func TestLayersAreLeftAloneWhereNothingCanLeak(t *testing.T) {
	search := func(context.Context, io.Reader, func(where, by string, f regpass.Match)) error {
		t.Error("something is searched")
		return nil
	}
	exported, cached := &plan.Plan{}, &plan.Plan{}
	exported.Opt.Exports = []client.ExportEntry{{Type: client.ExporterOCI}}
	cached.Opt.CacheExports = []client.CacheOptionsEntry{{Type: "local"}}
	none, one := &secret.Store{}, handedOut(t)
	for name, c := range map[string]struct {
		plan    *plan.Plan
		secrets *secret.Store
		search  leak.SearchFunc
	}{
		"no step was given a secret":    {exported, none, search},
		"nobody searches":               {exported, one, nil},
		"nothing was given to a cached": {cached, none, search},
	} {
		res := gateway.NewResult()
		res.SetRef(&built{})
		b := Build{Plan: c.plan, Watch: newWatch(), SearchImage: c.search, Secrets: c.secrets}
		got, err := b.layers(builder.Endpoint{}, client.SolveOpt{},
			func(context.Context, gateway.Client) (*gateway.Result, error) { return res, nil })(t.Context(), nil)
		if err != nil || got != res {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLayersOfEarlierStepsAreSearched has a build whose steps were given nothing ask for the layers. This fails, since
// the layers here cannot be read.
func TestLayersOfEarlierStepsAreSearched(t *testing.T) {
	plan := &plan.Plan{}
	plan.Opt.Exports = []client.ExportEntry{{Type: client.ExporterOCI}}
	res := gateway.NewResult()
	res.SetRef(unread{})
	b := Build{Plan: plan, Watch: newWatch(), Earlier: true, Secrets: &secret.Store{},
		SearchImage: func(context.Context, io.Reader, func(where, by string, f regpass.Match)) error { return nil }}
	_, err := b.layers(builder.Endpoint{}, client.SolveOpt{}, func(context.Context, gateway.Client) (*gateway.Result,
		error) {
		return res, nil
	})(t.Context(), nil)
	if !errors.Is(err, errUnread) {
		t.Errorf("%v", err)
	}
}

// unread is what a build made and nobody can look at.
type unread struct{ gateway.Reference }

var errUnread = errors.New("it cannot be read")

func (unread) ToState() (llb.State, error) { return llb.State{}, errUnread }

func TestLayersAreSentAsTheBuilderCan(t *testing.T) {
	for want, e := range map[string][]builder.Endpoint{
		client.ExporterOCI: {{}, {Moby: true, Containerd: true}},
		client.ExporterTar: {{Moby: true}},
	} {
		for _, e := range e {
			if got := exporter(e); got != want {
				t.Errorf("%+v: %s, not %s", e, got, want)
			}
		}
	}
}

// TestNameSteps holds the words that BuildKit has for what a layer is made by.
