package registry

import (
	"context"
	"slices"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// twoHosts is a registry whose credential serves its index and its files.
type twoHosts struct{}

func (twoHosts) exchange(context.Context, *regpass.Env, Target, Proof) (regpass.Credential, error) {
	return regpass.Credential{Kind: regpass.Basic, Username: "aws", Secret: regpass.NewSecret("token")}, nil
}

func TestCredentialForSeveralHosts(t *testing.T) {
	target := Target{Row: Row{Name: "two"}, Hosts: []string{"index.test", "files.test"}, exchanger: twoHosts{}}
	cred, err := target.Exchange(t.Context(), testenv.New(t, nil), Proof{})
	if err != nil || cred.Registry != "two" || cred.Host != "index.test" {
		t.Fatalf("%+v, %v", cred, err)
	}
	var hosts []string
	for _, c := range cred.PerHost() {
		if c.Username != "aws" || c.Secret.Reveal() != "token" || c.MoreHosts != nil {
			t.Errorf("%+v", c)
		}
		hosts = append(hosts, c.Host)
	}
	if !slices.Equal(hosts, []string{"index.test", "files.test"}) {
		t.Errorf("hosts %v", hosts)
	}
}

func TestOptionValue(t *testing.T) {
	region := Option{Name: "region", Doc: "AWS region", Vars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}
	for _, test := range []struct {
		options, vars map[string]string
		want          string
	}{
		{nil, nil, ""},
		{nil, map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"},
		{nil, map[string]string{"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "us-east-1"}, "us-east-1"},
		{map[string]string{"region": "ap-south-1"}, map[string]string{"AWS_REGION": "us-east-1"}, "ap-south-1"},
		{map[string]string{"region": ""}, map[string]string{"AWS_REGION": "us-east-1"}, ""},
	} {
		if got := region.value(testenv.New(t, test.vars), regpass.Ref{Options: test.options}); got != test.want {
			t.Errorf("%v %v: %q, want %q", test.options, test.vars, got, test.want)
		}
	}
}
