// regpass wrote this file. yarn asks it for the credential of each request to a registry, and it asks regpass.
const { execFile } = require("child_process");
const path = require("path");

const program = path.join(__dirname, "bin", "pnpm-credential-regpass");
const asked = new Map(); // what is being asked: requests that run at once share an answer

function ask(registry) {
  if (!asked.has(registry)) {
    const answer = new Promise((resolve) => {
      execFile(program, [registry], (error, stdout, stderr) => {
        process.stderr.write(stderr);
        resolve(error ? "" : stdout.trim());
      });
    });
    asked.set(registry, answer);
    answer.then(() => asked.delete(registry));
  }
  return asked.get(registry);
}

// What was answered, and for which origins. yarn sends a registry's credential to any host that the lock file or the
// registry's own answer names for a package: wrapNetworkRequest is where that host is known.
const given = new Map();

async function answer(header, registry) {
  const ours = await ask(registry);
  if (ours) {
    given.set(ours, (given.get(ours) || new Set()).add(new URL(registry).origin));
  }
  return ours || header;
}

async function bind(executor, { target, headers }) {
  const origins = headers && given.get(headers.authorization);
  const url = new URL(String(target));
  if (origins && !origins.has(url.origin)) {
    delete headers.authorization; // in place: the request that is made holds the same object
    const ours = await answer(undefined, url.origin + url.pathname);
    if (ours) {
      headers.authorization = ours;
    }
  }
  return executor;
}

module.exports = {
  name: "regpass",
  factory: (load) => {
    const [major, minor] = String(load("@yarnpkg/core").YarnVersion || "4.0").split(".").map(Number);
    if (major < 3 || (major === 3 && minor < 2)) { // it has no wrapNetworkRequest
      process.stderr.write("regpass: yarn gets no credential before its version 3.2, which can keep it to its host\n");
      return { default: { hooks: {} } };
    }
    return { default: { hooks: { getNpmAuthenticationHeader: answer, wrapNetworkRequest: bind } } };
  },
};
