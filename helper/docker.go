package helper

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// docker is the credential helper of docker, buildx, podman, buildah, skopeo, crane, oras and helm. Failures are said
// on standard output; the one text below means that there is no credential, and the client goes on without.
var docker = Protocol{
	Name:     "docker",
	Doc:      "docker, buildx, podman, buildah, skopeo, crane, oras, helm: docker's helper",
	Programs: []string{"docker-credential-regpass"},
	Source:   "https://github.com/docker/docker-credential-helpers",
	Answer:   answerDocker,
}

const dockerNone = "credentials not found in native keychain"

func answerDocker(ctx context.Context, c *Call) error {
	action := ""
	if len(c.Args) > 0 {
		action = c.Args[0]
	}
	switch action {
	case "get":
	case "list":
		_, err := fmt.Fprintln(c.Stdout, "{}")
		return err
	case "store", "erase": // regpass keeps nothing for the client, and logout is its own
		_, err := c.question()
		return err
	case "version":
		_, err := fmt.Fprintln(c.Stdout, "docker-credential-regpass (regpass) 1")
		return err
	default:
		return regpass.Usagef("docker-credential-regpass: one of get, store, erase, list and version is needed")
	}
	server, cred, err := c.dockerCredential(ctx)
	var user, password string
	if err == nil {
		user, password, err = dockerPair(cred)
	}
	switch {
	case errors.Is(err, ErrNone):
		fmt.Fprint(c.Stdout, dockerNone)
		return err
	case err != nil:
		fmt.Fprintf(c.Stdout, "regpass: %v", err) // the client shows it
		return err
	}
	_, err = fmt.Fprintln(c.Stdout, jsonLine(map[string]string{"ServerURL": server, "Username": user, "Secret": password}))
	return err
}

func (c *Call) dockerCredential(ctx context.Context) (server string, cred regpass.Credential, err error) {
	text, err := c.question()
	if err != nil {
		return "", cred, err
	}
	server = strings.TrimSpace(string(text))
	q, err := Ask(server)
	if err != nil {
		return "", cred, err
	}
	if q.Host == "index.docker.io" { // the key of Docker Hub in docker's configuration
		q.Host, q.Path = dockerHub, ""
	}
	cred, err = c.Find(ctx, q)
	return server, cred, err
}

// dockerHub is the host by which package registry knows Docker Hub.
const dockerHub = "docker.io"

// dockerPair is the user name and the secret. <token> would mean a refresh token, so a bearer token without a user name
// cannot be said.
func dockerPair(c regpass.Credential) (user, secret string, err error) {
	if c.Username == "" {
		return "", "", fmt.Errorf("%s: docker takes no credential without a user name", c.Host)
	}
	return passwordOf(c, Question{})
}
