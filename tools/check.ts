/** `npm run check`: what needs no root, in under a minute. */
import { runTogether, STATIC_STEPS, T1, unitSteps } from './steps.ts';

const codes = await runTogether([...STATIC_STEPS, ...unitSteps('unit tests', T1)]);
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
