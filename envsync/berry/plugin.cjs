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

module.exports = {
  name: "regpass",
  factory: () => ({
    default: {
      hooks: {
        getNpmAuthenticationHeader: async (header, registry) => (await ask(registry)) || header,
      },
    },
  }),
};
