package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// The places where AWS gives a machine its keys, by the SDKs' variables
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, and for an instance
// feature-imds-credentials.html beside it).
const (
	containerHost = "http://169.254.170.2"
	instanceHost  = "http://169.254.169.254"
	instanceHost6 = "http://[fd00:ec2::254]"
)

// Variables of the container's agent. The first is a path on containerHost; the SDKs read it first.
const (
	relativeURI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
	fullURI     = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
)

// Machine says which role of AWS the machine has, for people, without a request; empty: none.
func Machine(env *regpass.Env) string {
	name, _ := env.Lookup(relativeURI, fullURI)
	switch {
	case name != "":
		return "the container's role"
	case isTrue(env, "AWS_EC2_METADATA_DISABLED"):
		return ""
	case env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") != "",
		env.Machine != nil && strings.Contains(env.Machine(), "Amazon EC2"):
		return "the instance's role"
	}
	return ""
}

// MachineKeys asks for the keys of the machine's role.
func MachineKeys(ctx context.Context, env *regpass.Env) (Keys, error) {
	if name, _ := env.Lookup(relativeURI, fullURI); name != "" {
		return containerKeys(ctx, env)
	}
	return instanceKeys(ctx, env)
}

// containerKeys asks the agent of ECS or EKS.
//
//	GET $AWS_CONTAINER_CREDENTIALS_FULL_URI   Authorization: TOKEN
//	{"AccessKeyId":…,"SecretAccessKey":…,"Token":…}
func containerKeys(ctx context.Context, env *regpass.Env) (Keys, error) {
	u, err := containerURL(env)
	if err != nil {
		return Keys{}, err
	}
	r := regpass.Request{Op: "AWS: ask for the container's role", Method: http.MethodGet, URL: u}
	pass, err := containerPass(env)
	if err != nil {
		return Keys{}, err
	}
	if !pass.Empty() {
		_, value, _ := strings.Cut(pass.Reveal(), " ")
		r.Keys, r.Scrub = map[string]regpass.Secret{"Authorization": pass}, []regpass.Secret{regpass.NewSecret(value)}
		env.Mask(pass, r.Scrub[0])
	}
	return askForKeys(ctx, env, r)
}

// containerURL is where the agent is asked. Env.Do refuses http to a host that is neither this machine nor link-local.
func containerURL(env *regpass.Env) (*url.URL, error) {
	if path := env.Getenv(relativeURI); path != "" {
		if !strings.HasPrefix(path, "/") {
			return nil, regpass.Usagef("%s is no path", relativeURI)
		}
		return url.Parse(containerHost + path)
	}
	u, err := url.Parse(env.Getenv(fullURI))
	if err != nil {
		return nil, regpass.Usagef("%s is not a URL", fullURI)
	}
	return u, nil
}

// containerPass is what the agent is shown, a token or a scheme and a token: "Basic …". Its file is read each time,
// because the agent of EKS replaces it.
func containerPass(env *regpass.Env) (regpass.Secret, error) {
	const variable, fileVariable = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
	name, text := variable, []byte(env.Getenv(variable))
	if file := env.Getenv(fileVariable); file != "" {
		var err error
		if text, err = regpass.ReadPlain(env.Abs(file), regpass.MaxToken); err != nil {
			return regpass.Secret{}, fmt.Errorf("%s: %w", fileVariable, err)
		}
		name = fileVariable
	}
	if name == variable && len(text) == 0 {
		return regpass.Secret{}, nil
	}
	pass := strings.TrimSpace(string(text))
	scheme, token, two := strings.Cut(pass, " ")
	_, err := regpass.ParseToken(scheme)
	if two && err == nil {
		_, err = regpass.ParseToken(token)
	}
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("%s: %w", name, err)
	}
	return regpass.NewSecret(pass), nil
}

// instanceKeys asks the instance metadata service, version 2.
//
//	PUT /latest/api/token   X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60
//	GET /latest/meta-data/iam/security-credentials/[ROLE]   X-Aws-Ec2-Metadata-Token: TOKEN
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
func instanceKeys(ctx context.Context, env *regpass.Env) (Keys, error) {
	const op, path = "AWS: ask for the instance's role", "/latest/meta-data/iam/security-credentials/"
	at := instanceHost
	if strings.EqualFold(env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6") {
		at = instanceHost6
	}
	if set := env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"); set != "" {
		at = set
	}
	base, err := url.Parse(at)
	if err != nil {
		return Keys{}, regpass.Usagef("AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL")
	}
	raw, err := env.AskMetadata(ctx, regpass.Request{Op: op, Method: http.MethodPut, URL: on(base, "/latest/api/token"),
		Header: http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}}})
	if err != nil {
		return Keys{}, err
	}
	pass, err := regpass.ParseToken(string(raw))
	if err != nil {
		return Keys{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	r := regpass.Request{Op: op, Method: http.MethodGet, URL: on(base, path),
		Keys: map[string]regpass.Secret{"X-Aws-Ec2-Metadata-Token": pass}}
	role, err := env.AskMetadata(ctx, r)
	if err != nil {
		return Keys{}, regpass.Hintf(err, "a 404 says that the instance has no role")
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	if !roleName().MatchString(name) {
		return Keys{}, fmt.Errorf("%s: the answer %s names no role", op, regpass.Quote(name))
	}
	r.URL = on(base, path+name)
	return askForKeys(ctx, env, r)
}

// roleName matches the name of a role, which is asked for as a part of a path.
var roleName = regpass.Pattern(`^[\w+=,@-][\w+=,.@-]{0,63}$`)

// askForKeys asks for keys in JSON. Expiration is not looked at: they are used at once.
func askForKeys(ctx context.Context, env *regpass.Env, r regpass.Request) (Keys, error) {
	r.Header = http.Header{"Accept": {"application/json"}}
	answer, err := env.AskMetadata(ctx, r)
	if err != nil {
		return Keys{}, err
	}
	var got struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return Keys{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected JSON", r.Op, len(answer))
	}
	return NewKeys(env, r.Op, got.AccessKeyID, got.SecretAccessKey, got.Token)
}

// on is a path on the server of base.
func on(base *url.URL, path string) *url.URL {
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path}
}
