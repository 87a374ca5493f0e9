import { ACROSS_CASES } from './across-cases.ts';
import { AFFINITY_CASES } from './affinity-cases.ts';
import { BALANCE_CASES } from './balance-cases.ts';
import type { ServiceCase } from './case.ts';
import { CLUSTER_IP_CASES } from './cluster-ip-cases.ts';
import { ENDPOINT_CASES } from './endpoint-cases.ts';
import { EXTERNAL_CASES } from './external-cases.ts';
import { IMPORT_CASES } from './import-cases.ts';
import { LIVE_CASES } from './live-cases.ts';
import { MATRIX_CASES } from './matrix-cases.ts';

/**
 * What every mode has to do alike, in both families: `runCases(t, world, SUITE)` in a world with `dualStack: true`, then
 * `runChanges(t, world)`. What a mode does otherwise are its rows of LIMITS (limits.ts).
 */
export const SUITE: readonly ServiceCase[] = [
  ...CLUSTER_IP_CASES,
  ...ENDPOINT_CASES,
  ...EXTERNAL_CASES,
  ...AFFINITY_CASES,
  ...BALANCE_CASES,
  ...LIVE_CASES,
  ...MATRIX_CASES,
  ...IMPORT_CASES,
];

/** The same for two nodes that both balance: `runCases(t, world, ACROSS_NODES)` in a world with `secondNode: true`. */
export const ACROSS_NODES: readonly ServiceCase[] = ACROSS_CASES;
