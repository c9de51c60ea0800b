// Runs `regpass action main`: all that the action does is in there.
import { complain, run } from './launch.mjs';

try {
  process.exitCode = await run('main');
} catch (error) {
  complain('error', error);
  process.exitCode = 1;
}
