// Takes the program of a release from the runner's tool cache, or downloads it. Other jobs can write to that cache,
// also between a check and a start. So a copy in memory is checked, and run from a new folder of this job.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keep, read, remove } from './cache.mjs';

const { env, platform, arch } = process;
export const exe = platform === 'win32' ? '.exe' : '';
export const name = `${platform === 'win32' ? 'windows' : platform}-${arch === 'x64' ? 'amd64' : arch}`; // as Go has it

export function temp() {
  if (env.RUNNER_TEMP) return env.RUNNER_TEMP;
  throw new Error('RUNNER_TEMP is not set\nonly a runner runs this, as in uses: regpass/regpass@v1');
}

// released returns the program's path and the folder to remove after it.
export function released(version, sha256) {
  const cached = join(env.RUNNER_TOOL_CACHE || temp(), 'regpass', version.slice(1), arch, `regpass${exe}`);
  const folder = mkdtempSync(join(temp(), 'regpass-program-'));
  const path = join(folder, `regpass${exe}`);
  try {
    const content = read(cached, sha256);
    if (content) writeFileSync(path, content, { flag: 'wx', mode: 0o755 });
    else {
      download(version, sha256, path);
      keep(path, cached);
    }
  } catch (error) {
    remove(folder);
    throw error;
  }
  return { path, folder };
}

// download starts another node, because node reads the variables that name a proxy only when it starts.
function download(version, sha256, path) {
  const asset = `regpass_${version.slice(1)}_${name.replace('-', '_')}${exe}`;
  const script = join(dirname(fileURLToPath(import.meta.url)), 'download.mjs');
  const ended = spawnSync(process.execPath, [script, version, asset, sha256, path], {
    env: { ...env, NODE_USE_ENV_PROXY: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (ended.status !== 0)
    throw new Error(ended.stderr?.trim() || `the download ended with ${ended.error ?? ended.signal}`);
}
