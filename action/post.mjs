// Runs `regpass action post`, which undoes what main did. Nothing here fails a job.
import { complain, run } from './launch.mjs';

try {
  // If main kept no session, as in a run without a main, there is no need for a binary.
  if (process.env.STATE_session) await run('post');
} catch (error) {
  complain('warning', error);
}
