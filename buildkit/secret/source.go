package secret

import (
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Source is one registry whose credential a build may ask for.
type Source struct {
	Ref      regpass.Ref
	Registry string // name of its row: "pyx"
	Key      string // names the credential: sources of one key share it; empty: Ref.String()
	// Hosts are the servers that take the credential: lower-case, with :port where the URL has one; empty: Ref.Host.
	Hosts     []string
	ClientVar string // variable in which its own client takes the credential, or ""
}

func (s Source) key() string {
	if s.Key != "" {
		return s.Key
	}
	return s.Ref.String()
}

func (s Source) hosts() []string {
	if len(s.Hosts) > 0 {
		return s.Hosts
	}
	return []string{s.Ref.Host}
}

// Use says who takes a secret.
type Use int

const (
	// ForClient is a secret that a package client finds by itself after it is mounted.
	ForClient Use = iota
	// ForStep is a secret that the commands of a step must read: no client looks for it.
	ForStep
	// ForDaemon is a secret that BuildKit itself asks for, to fetch ADD https://… and git sources. Nobody mounts it.
	ForDaemon
)

// Secret is a secret that a step can mount: an id, and the form in which a step sees the value.
type Secret struct {
	ID     string // [A-Za-z0-9_.-], for ForDaemon also colons and brackets
	Use    Use
	Env    string // variable that holds the value, or ""
	Target string // absolute path in the step of the file that holds the value, or ""
	Var    string // variable that points at Target, or at Dir where there is one; or ""
	// Dir is the folder of Target that its reader writes to, or "": a tmpfs, so that nothing of it gets into a layer.
	Dir   string
	Hosts []string // whose credentials it holds, in the order of the sources
}

// Mount returns the one or two flags, to write behind the word RUN, that mount the secret in a step of a Dockerfile. It
// is empty for a secret that nobody mounts. A step whose secret is missing fails.
func (s Secret) Mount() string {
	if s.Use == ForDaemon {
		return ""
	}
	flag := "--mount=type=secret,id=" + s.ID + ",required=true"
	if s.Env != "" {
		return flag + ",env=" + s.Env
	}
	flag += ",target=" + s.Target
	if s.Dir != "" {
		flag = "--mount=type=tmpfs,target=" + s.Dir + " " + flag
	}
	return flag
}

// Points is the value of Var in a step that mounts the secret.
func (s Secret) Points() string {
	if s.Dir != "" {
		return s.Dir
	}
	return s.Target
}

// Delivery is a credential or a secret of the user's that was handed out.
type Delivery struct {
	ID          string
	Host        string // the credential's; empty for a secret of the user's
	Fingerprint string // regpass.Secret.Fingerprint; empty for a secret of the user's, which may be guessable from it
	When        time.Time
}

// AskedByDaemon reports whether it was BuildKit itself that asked, and not a step.
func (d Delivery) AskedByDaemon() bool { return askedByDaemon(d.ID) }

// secretsDir is where BuildKit, buildah and podman mount a secret unless told otherwise.
const secretsDir = "/run/secrets/"

// notInID matches the characters that an id must not have, since a Dockerfile's mount flag is CSV with variables.
var notInID = regpass.Pattern(`[^A-Za-z0-9_.-]`)

// hostID is the id of a host's credential as it is.
func hostID(host string) string { return strings.Trim(notInID().ReplaceAllString(host, "_"), ".") }
