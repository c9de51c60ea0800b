// A release's program in the runner's tool cache. Other jobs can write to that cache, so nothing in it is trusted; a
// cache that cannot be used is no problem.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, copyFileSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// read returns the content of a file in the cache if it has the checksum. It waits for no pipe.
export function read(file, sha256) {
  let from;
  try {
    from = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const content = fstatSync(from).isFile() ? readFileSync(from) : '';
    if (createHash('sha256').update(content).digest('hex') === sha256) return content;
  } catch {
    // It does not exist, or we may not read it.
  } finally {
    if (from !== undefined) closeSync(from);
  }
}

// keep puts the program into the cache for later jobs, if it can. It writes neither file through a link.
export function keep(path, cached) {
  const part = join(dirname(cached), `.${randomBytes(8).toString('hex')}`);
  try {
    mkdirSync(dirname(cached), { recursive: true });
    copyFileSync(path, part, constants.COPYFILE_EXCL);
    renameSync(part, cached); // another job may do the same at the same time
    writeFileSync(`${dirname(cached)}.complete`, '', { flag: 'wx' });
  } catch {
    // The next job fetches it again.
  } finally {
    remove(part);
  }
}

// remove removes a file or folder if it can: Windows may still hold a program that has ended.
export function remove(path) {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // The runner empties its temporary folder.
  }
}
