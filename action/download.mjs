// node download.mjs VERSION ASSET SHA256 FILE: downloads a release's file from the server that the workflow runs on,
// where the action may be mirrored, or else from github.com. A file without the checksum counts as missing.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const [version, asset, sha256, file] = process.argv.slice(2);
const server = process.env.GITHUB_SERVER_URL || 'https://github.com';
const releases = new Set([
  `${server}/${process.env.GITHUB_ACTION_REPOSITORY || 'regpass/regpass'}`,
  `${server}/regpass/regpass`,
  'https://github.com/regpass/regpass',
]);
const tries = 3;
const timeout = 120_000; // milliseconds for each try

const problems = [];
for (const repository of releases) {
  const url = `${repository}/releases/download/${version}/${asset}`;
  let why;
  for (let n = 1; n <= tries; n++) {
    if (n > 1) await setTimeout(500 * 2 ** (n - 2)); // milliseconds
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(timeout) });
      if (answer.ok) {
        const content = Buffer.from(await answer.arrayBuffer());
        if (createHash('sha256').update(content).digest('hex') === sha256) {
          writeFileSync(file, content, { flag: 'wx', mode: 0o755 });
          process.exit(0);
        }
        // A company's server may answer with its login page.
        why = `the file does not have the checksum ${sha256}, so it is not run`;
        break;
      }
      why = `status ${answer.status}`;
      if (answer.status < 500 && answer.status !== 429) break; // asking again changes nothing
    } catch (error) {
      why = error.cause?.code ?? error.message;
    }
  }
  problems.push(`GET ${url}: ${why}`);
}
console.error(
  `the program could not be downloaded\n${problems.join('\n')}\n` +
    'if none of these can be reached, name a program with the input binary',
);
process.exitCode = 1;
