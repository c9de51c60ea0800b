// Finds the program: what the input binary names, else the release whose checksum stands in checksums.json, kept in the
// runner's tool cache, else a build of this checkout.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const { env, platform, arch } = process;
const here = dirname(fileURLToPath(import.meta.url));
const exe = platform === 'win32' ? '.exe' : '';
const name = `${platform === 'win32' ? 'windows' : platform}-${arch === 'x64' ? 'amd64' : arch}`; // as Go has it
const input = (of) => (env[`INPUT_${of}`] ?? '').trim();

// binary returns the path of a program that may be run.
export async function binary() {
  if (input('BINARY')) return given(resolve(input('BINARY')));
  const { version, sha256 } = wanted(JSON.parse(readFileSync(join(here, 'checksums.json'), 'utf8')));
  return version ? cached(version, sha256) : built();
}

function given(path) {
  if (existsSync(path)) return path;
  throw new Error(`the input binary names ${path}, which is not there`);
}

// wanted says which release is meant. One whose checksum nobody has written down is not run.
function wanted(pinned) {
  const [version, sum] = (input('VERSION') || pinned.version).split(/\s+/);
  if (/^v\d+\.\d+\.\d+[\w.-]*$/.test(version) && /^sha256:[0-9a-f]{64}$/.test(sum)) return { version, sha256: sum.slice(7) };
  if (version !== pinned.version || sum)
    throw new Error(`this action knows the checksum of ${pinned.version || 'no release'}\nwrite version: v1.2.3 sha256:… with that of ${name}, or use the action at the release's own tag`);
  if (version && !pinned.assets[name]) throw new Error(`there is no regpass for ${name}\nbuild one and name it with the input binary`);
  return { version, sha256: pinned.assets[name] };
}

const matches = (file, sha256) => existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === sha256;

// cached takes the release from the tool cache. What lies there is checked each time: other jobs can write to it too.
function cached(version, sha256) {
  const dir = join(env.RUNNER_TOOL_CACHE || env.RUNNER_TEMP, 'regpass', version.slice(1), arch);
  const file = join(dir, `regpass${exe}`);
  if (matches(file, sha256)) return file;
  mkdirSync(dir, { recursive: true });
  const part = join(dir, `.${randomBytes(8).toString('hex')}`);
  try {
    // In a process of its own: node reads the variables that name a proxy only when it starts.
    const fetched = spawnSync(process.execPath, [join(here, 'download.mjs'), version, `regpass_${version.slice(1)}_${name.replace('-', '_')}${exe}`, part],
      { env: { ...env, NODE_USE_ENV_PROXY: '1' }, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
    if (fetched.status !== 0) throw new Error(fetched.stderr.trim() || `the download ended with ${fetched.signal}`);
    if (!matches(part, sha256)) throw new Error(`regpass ${version} for ${name} does not have the checksum ${sha256}, so it is not run`);
    chmodSync(part, 0o755);
    renameSync(part, file); // another job may do the same at the same time
    writeFileSync(`${dir}.complete`, '');
  } catch (error) {
    if (!matches(file, sha256)) throw error; // Windows replaces no program that runs
  } finally {
    rmSync(part, { force: true });
  }
  return file;
}

// built makes the program of a checkout that belongs to no release, once a job.
function built() {
  const file = join(env.RUNNER_TEMP, `regpass-built-${createHash('sha256').update(here).digest('hex').slice(0, 16)}`, `regpass${exe}`);
  if (existsSync(file)) return file;
  const go = spawnSync('go', ['build', '-trimpath', '-o', file, './cmd/regpass'],
    { cwd: dirname(here), env: { ...env, CGO_ENABLED: '0' }, stdio: ['ignore', 'inherit', 'inherit'] });
  if (go.status === 0) return file;
  throw new Error('this version of the action belongs to no release and could not be built with Go\nuse a release, as in uses: regpass/regpass@v1, run actions/setup-go before, or name a program with the input binary');
}
