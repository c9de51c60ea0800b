// Finds the program: the one that the input binary names, or the release whose checksum stands in checksums.json, or a
// build of this checkout.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exe, name, released, temp } from './release.mjs';

const { env } = process;
const here = dirname(fileURLToPath(import.meta.url));
const input = (of) => (env[`INPUT_${of}`] ?? '').trim();

// binary returns the path of a program that may be run, and, if that is a copy, the folder to remove after it.
export function binary() {
  if (input('BINARY')) return { path: given(resolve(input('BINARY'))) };
  const { version, sha256 } = wanted(JSON.parse(readFileSync(join(here, 'checksums.json'), 'utf8')));
  return version ? released(version, sha256) : { path: built() };
}

function given(path) {
  if (existsSync(path)) return path;
  throw new Error(`the input binary names ${path}, which does not exist`);
}

// wanted is the release to run and its checksum. A release without a checksum is not run.
function wanted(pinned) {
  const [version, sum] = (input('VERSION') || pinned.version).split(/\s+/);
  if (/^v\d+\.\d+\.\d+[\w.-]*$/.test(version) && /^sha256:[0-9a-f]{64}$/.test(sum))
    return { version, sha256: sum.slice(7) };
  if (version !== pinned.version || sum)
    throw new Error(
      `this action knows the checksum of ${pinned.version || 'no release'}\n` +
        `write version: v1.2.3 sha256:… with that of ${name}, or use the action at the release's own tag`,
    );
  if (version && !pinned.assets[name])
    throw new Error(`there is no regpass for ${name}\nbuild one and name it with the input binary`);
  return { version, sha256: pinned.assets[name] };
}

// built builds the program of a checkout that belongs to no release, once a job.
function built() {
  const id = createHash('sha256').update(here).digest('hex').slice(0, 16);
  const file = join(temp(), `regpass-built-${id}`, `regpass${exe}`);
  if (existsSync(file)) return file;
  const go = spawnSync('go', ['build', '-trimpath', '-o', file, './cmd/regpass'], {
    cwd: dirname(here),
    env: { ...env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (go.status === 0) return file;
  throw new Error(
    'this version of the action belongs to no release and could not be built with Go\n' +
      'use a release, as in uses: regpass/regpass@v1, run actions/setup-go before, ' +
      'or name a program with the input binary',
  );
}
