// Starts the binary and shows problems, for main and post.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { binary } from './binary.mjs';
import { remove } from './cache.mjs';

// run starts `regpass action VERB` and returns its exit code. A runner that cancels the job signals only this process.
export async function run(verb) {
  const { path, folder } = binary();
  try {
    const child = spawn(path, ['action', verb], { stdio: 'inherit', windowsHide: true });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    const [code] = await once(child, 'exit'); // rejects if the binary cannot be started
    return code ?? 1;
  } catch (error) {
    throw new Error(
      `${path} could not be started: ${error.message}\nit must be a program for this system that may be executed`,
    );
  } finally {
    if (folder) remove(folder);
  }
}

// complain writes a workflow command, with its data escaped as the runner's toolkit does.
export function complain(level, error) {
  const text = String(error?.message ?? error).replaceAll('##[', '##\\x5b');
  const data = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  console.error(`::${level} title=regpass::${data}`);
}
