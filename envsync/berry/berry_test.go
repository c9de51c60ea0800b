//go:build clients

package berry

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPluginKeepsAHostsCredential: yarn adds a registry's credential to the request for any URL that the lock file or
// the registry gives a package (packages/plugin-npm/sources/npmHttpUtils.ts, get).
func TestPluginKeepsAHostsCredential(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	const program = `#!/bin/sh
case $1 in
https://ours.example/*) echo Bearer one ;;
https://second.example/*) echo Bearer two ;;
*) exit 1 ;;
esac
`
	for name, text := range map[string]string{"yarn.cjs": string(plugin), "bin/" + Program: program, "try.cjs": try} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(node, filepath.Join(dir, "try.cjs")).CombinedOutput()
	const want = `https://ours.example/a.tgz Bearer one
https://evil.example/a.tgz none
http://ours.example/a.tgz none
https://ours.example:8443/a.tgz none
https://second.example/a.tgz Bearer two
https://evil.example/theirs Bearer their own
regpass: yarn gets no credential before its version 3.2, which can keep it to its host
3.1.1 has 0 hooks
`
	if err != nil || string(out) != want {
		t.Errorf("the plugin: %v\n%s\nwant\n%s", err, out, want)
	}
}

const try = `
const hooksOf = (version) => require("./yarn.cjs").factory(() => ({ YarnVersion: version })).default.hooks;
(async () => {
  const hooks = hooksOf("4.9.2");
  for (const target of ["https://ours.example/a.tgz", "https://evil.example/a.tgz", "http://ours.example/a.tgz",
      "https://ours.example:8443/a.tgz", "https://second.example/a.tgz"]) {
    const authorization = await hooks.getNpmAuthenticationHeader(undefined, "https://ours.example/npm");
    const headers = { authorization };
    await hooks.wrapNetworkRequest(async () => {}, { target, headers });
    console.log(target, headers.authorization || "none");
  }
  const headers = { authorization: "Bearer their own" };
  await hooks.wrapNetworkRequest(async () => {}, { target: new URL("https://evil.example/theirs"), headers });
  await hooks.wrapNetworkRequest(async () => {}, { target: "https://evil.example/" });
  console.log(String(new URL("https://evil.example/theirs")), headers.authorization);
  console.log("3.1.1 has", Object.keys(hooksOf("3.1.1")).length, "hooks");
})();
`
