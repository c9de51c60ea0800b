// node download.mjs VERSION ASSET SHA256 FILE: fetches a release's file from the server that the workflow runs on, where the
// action may be mirrored, else from github.com. What does not have the checksum is as good as not there.
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
const limit = 120_000; // milliseconds for each try

const problems = [];
for (const repository of releases) {
  const url = `${repository}/releases/download/${version}/${asset}`;
  let why;
  for (let n = 1; n <= tries; n++) {
    if (n > 1) await setTimeout(500 * 2 ** (n - 2)); // milliseconds
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(limit) });
      if (answer.ok) {
        const content = Buffer.from(await answer.arrayBuffer());
        if (createHash('sha256').update(content).digest('hex') === sha256) {
          writeFileSync(file, content, { flag: 'wx', mode: 0o755 });
          process.exit(0);
        }
        // A server of one's own may show a page to log in on instead.
        why = `what came does not have the checksum ${sha256}, so it is not run`;
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
console.error(`the program could not be fetched\n${problems.join('\n')}\nwhere none of these can be reached, name a program with the input binary`);
process.exitCode = 1;
