// Runs `regpass action main`, which does the work of the action.
import { complain, run } from './launch.mjs';

try {
  process.exitCode = await run('main');
} catch (error) {
  complain('error', error);
  process.exitCode = 1;
}
