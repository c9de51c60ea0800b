package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// maxTokenFile is how much of a file with a token of the machine is read, in bytes.
const maxTokenFile = 64 << 10

// metadataTimeout limits one question to a metadata server, which is on this machine or beside it.
const metadataTimeout = 2 * time.Second

// The places where AWS gives a machine its keys, by the SDKs' variables
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, and for an instance
// feature-imds-credentials.html beside it).
const (
	awsContainerHost = "http://169.254.170.2"
	awsInstanceHost  = "http://169.254.169.254"
)

// awsMachine says which keys of AWS the machine has: those of a container, or of an instance.
func awsMachine(env *regpass.Env, _ Target) string {
	name, _ := env.Lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
	switch {
	case name != "":
		return "the container's role"
	case strings.EqualFold(env.Getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		return ""
	case env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") != "",
		env.Machine != nil && strings.Contains(env.Machine(), "Amazon EC2"):
		return "the instance's role"
	}
	return ""
}

// awsMachineAnswer is the answer of both places.
type awsMachineAnswer struct {
	ID     string `json:"AccessKeyId"`
	Secret string `json:"SecretAccessKey"`
	Token  string
}

// awsMachineKeys asks for the keys of the machine's role.
func awsMachineKeys(ctx context.Context, env *regpass.Env) (awsKeys, error) {
	if name, _ := env.Lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"); name != "" {
		return awsContainerKeys(ctx, env)
	}
	return awsInstanceKeys(ctx, env)
}

// awsContainerKeys asks the agent of ECS or EKS.
//
//	GET $AWS_CONTAINER_CREDENTIALS_FULL_URI   Authorization: TOKEN
//	{"AccessKeyId":…,"SecretAccessKey":…,"Token":…}
func awsContainerKeys(ctx context.Context, env *regpass.Env) (awsKeys, error) {
	const op = "AWS: ask for the container's role"
	at := env.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if path := env.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		at = awsContainerHost + path
	}
	u, err := url.Parse(at)
	if err != nil {
		return awsKeys{}, regpass.Usagef("AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL")
	}
	request := regpass.Request{Op: op, Method: http.MethodGet, URL: u, LinkLocal: true}
	text := []byte(env.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	if file := env.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		if text, err = regpass.ReadPlain(env.Abs(file), maxTokenFile); err != nil {
			return awsKeys{}, fmt.Errorf("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %w", err)
		}
	}
	if len(text) > 0 {
		secret, err := regpass.ParseToken(string(text))
		if err != nil {
			return awsKeys{}, fmt.Errorf("AWS_CONTAINER_AUTHORIZATION_TOKEN: %w", err)
		}
		env.Mask(secret)
		request.Keys = map[string]regpass.Secret{"Authorization": secret}
	}
	return askAWSMachine(ctx, env, request)
}

// awsInstanceKeys asks the instance metadata service, version 2.
//
//	PUT /latest/api/token   X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60
//	GET /latest/meta-data/iam/security-credentials/[ROLE]   X-Aws-Ec2-Metadata-Token: TOKEN
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
func awsInstanceKeys(ctx context.Context, env *regpass.Env) (awsKeys, error) {
	const op, path = "AWS: ask for the instance's role", "/latest/meta-data/iam/security-credentials/"
	base, err := url.Parse(awsInstanceHost)
	if at := env.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"); at != "" {
		base, err = url.Parse(at)
	}
	if err != nil {
		return awsKeys{}, regpass.Usagef("AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL")
	}
	raw, err := askMetadata(ctx, env, regpass.Request{Op: op, Method: http.MethodPut,
		URL: apiURL(base, "/latest/api/token"), Header: http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}}})
	if err != nil {
		return awsKeys{}, err
	}
	pass, err := regpass.ParseToken(string(raw))
	if err != nil {
		return awsKeys{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	request := regpass.Request{Op: op, Method: http.MethodGet, URL: apiURL(base, path),
		Keys: map[string]regpass.Secret{"X-Aws-Ec2-Metadata-Token": pass}}
	role, err := askMetadata(ctx, env, request)
	if err != nil {
		return awsKeys{}, regpass.Hintf(err, "a 404 says that the instance has no role")
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	if notInSession().MatchString(name) || name == "" {
		return awsKeys{}, fmt.Errorf("%s: the answer %s names no role", op, regpass.Quote(name))
	}
	request.URL = apiURL(base, path+name)
	return askAWSMachine(ctx, env, request)
}

// askAWSMachine asks for keys.
func askAWSMachine(ctx context.Context, env *regpass.Env, r regpass.Request) (awsKeys, error) {
	r.LinkLocal = true
	var got awsMachineAnswer
	err := env.Retry(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
		defer cancel()
		return env.DoJSON(ctx, r, &got)
	})
	if err != nil {
		return awsKeys{}, err
	}
	return newAWSKeys(env, r.Op, got.ID, got.Secret, got.Token)
}

// askMetadata asks a metadata server for text.
func askMetadata(ctx context.Context, env *regpass.Env, r regpass.Request) (text []byte, err error) {
	r.LinkLocal = true
	err = env.Retry(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
		defer cancel()
		text, err = env.Do(ctx, r)
		return err
	})
	return text, err
}
