package plan

import (
	"context"
	"strings"

	"github.com/moby/buildkit/session/sshforward/sshprovider"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// addSSH reads default|ID[=SOCKET|KEY[,KEY]]. A context that git fetches by ssh needs the default agent.
func addSSH(_ context.Context, env *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	texts := o.SSH
	if len(texts) == 0 && (strings.HasPrefix(o.Context, "ssh://") || strings.HasPrefix(o.Context, "git@")) {
		texts = []string{"default"}
	}
	var agents []sshprovider.AgentConfig
	for _, text := range texts {
		id, files, _ := strings.Cut(text, "=")
		agent := sshprovider.AgentConfig{ID: id}
		for file := range strings.SplitSeq(files, ",") {
			if file != "" {
				agent.Paths = append(agent.Paths, env.Abs(file))
			}
		}
		agents = append(agents, agent)
	}
	if len(agents) == 0 {
		return nil
	}
	provider, err := sshprovider.NewSSHAgentProvider(agents)
	if err != nil {
		return err
	}
	p.Opt.Session = append(p.Opt.Session, provider)
	return nil
}
