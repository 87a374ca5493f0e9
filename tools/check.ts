/** `npm run check`: what needs no root, in under a minute. */
import { runStep, STATIC_STEPS, T1, unitStep } from './steps.ts';

const codes = await Promise.all(STATIC_STEPS.map(runStep));
codes.push(await runStep(unitStep('unit tests', T1)));
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
