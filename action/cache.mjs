// The place of a release's program in the runner's tool cache, which other jobs can write to: nothing there is trusted, and a
// cache that can't be used is no problem.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, copyFileSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// read returns what the cache holds if that is what is wanted. It waits for no pipe.
export function read(file, sha256) {
  let from;
  try {
    from = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const content = fstatSync(from).isFile() ? readFileSync(from) : '';
    if (createHash('sha256').update(content).digest('hex') === sha256) return content;
  } catch {
    // It is not there, or not ours to read.
  } finally {
    if (from !== undefined) closeSync(from);
  }
}

// keep puts the program into the cache for later jobs, if it can be written to. Neither file is written through a link.
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

// remove leaves what it can't remove: Windows may still look at a program that has ended.
export function remove(path) {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // The runner empties its temporary folder.
  }
}
