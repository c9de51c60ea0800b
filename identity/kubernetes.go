package identity

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// kubernetesVars are the variables in which a cluster of AWS or Azure names a pod's token, and the audiences that it is
// for. The cluster sets them in the pods of runners too, so they say less about the job than its CI system does.
// https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html
// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
var kubernetesVars = []struct {
	name      string
	audiences []string
}{
	{"AWS_WEB_IDENTITY_TOKEN_FILE", []string{"sts.amazonaws.com", "sts.amazonaws.com.cn"}},
	{"AZURE_FEDERATED_TOKEN_FILE", []string{"api://AzureADTokenExchange"}},
}

// kubernetesFolder is where the documentation of Kubernetes has a pod mount tokens for audiences of its own. The token
// that every pod has is elsewhere: it is for the API server, and is never shown to anybody else.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
const kubernetesFolder = "/var/run/secrets/tokens"

const (
	maxProjected  = 32                       // files in kubernetesFolder that are looked at
	maxProjection = regpass.MaxToken + 1<<10 // bytes of a file: white space around the token is trimmed later
)

func detectKubernetes(env *regpass.Env, audience string) bool {
	if kubernetesVar(env, audience) != "" {
		return true
	}
	_, found := projected(env, kubernetesFolder, audience)
	return found
}

// kubernetesToken reads the file at every call, because the kubelet replaces it before the token expires.
func kubernetesToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if name := kubernetesVar(env, audience); name != "" {
		text, err := regpass.ReadPlain(env.Abs(env.Getenv(name)), maxProjection) // kubelet's files are links
		if err != nil {
			err = regpass.NoIdentityf("%s: %w", name, err)
			return regpass.Secret{}, regpass.Hintf(err, "it must be the path of a file that holds the pod's token for %s",
				regpass.Quote(audience))
		}
		return regpass.NewSecret(string(text)), nil
	}
	if token, found := projected(env, kubernetesFolder, audience); found {
		return token, nil
	}
	err := regpass.NoIdentityf("no token of this pod is for %s only", regpass.Quote(audience))
	return regpass.Secret{}, regpass.Hintf(err, "add to the pod:\n%s", kubernetesSetup(audience))
}

// kubernetesVar is the variable that names the file with the token for audience, or empty.
func kubernetesVar(env *regpass.Env, audience string) string {
	for _, v := range kubernetesVars {
		if slices.Contains(v.audiences, audience) && env.Getenv(v.name) != "" {
			return v.name
		}
	}
	return ""
}

// projected finds the token in dir that is for audience and for nobody else: one that is also for the API server would
// let the registry act as the pod there. No link leads out of dir.
func projected(env *regpass.Env, dir, audience string) (regpass.Secret, bool) {
	if env.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return regpass.Secret{}, false
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return regpass.Secret{}, false
	}
	defer root.Close()
	folder, err := root.Open(".")
	if err != nil {
		return regpass.Secret{}, false
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(maxProjected)
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, ".") { // kubelet's own folders
			continue
		}
		text, _, err := regpass.ReadPlainIn(root, name, maxProjection)
		if err != nil {
			continue
		}
		token, err := regpass.ParseToken(string(text))
		if err != nil {
			continue
		}
		if claims, err := regpass.DecodeJWT(token); err == nil && slices.Equal(claims.Audience, []string{audience}) {
			return token, true
		}
	}
	return regpass.Secret{}, false
}

func kubernetesSetup(audience string) string {
	const format = `volumes:
  - name: regpass-token
    projected:
      sources:
        - serviceAccountToken: {path: regpass, audience: %s, expirationSeconds: 3600}
containers:
  - volumeMounts:
      - {name: regpass-token, mountPath: %s, readOnly: true}`
	return fmt.Sprintf(format, regpass.Quote(audience), kubernetesFolder)
}
