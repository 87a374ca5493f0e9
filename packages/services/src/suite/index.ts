import type { ServiceCase } from './case.ts';
import { CLUSTER_IP_CASES } from './cluster-ip-cases.ts';
import { EXTERNAL_CASES } from './external-cases.ts';
import { MATRIX_CASES } from './matrix-cases.ts';

/** What every mode has to do alike. */
export const SUITE: readonly ServiceCase[] = [...CLUSTER_IP_CASES, ...EXTERNAL_CASES, ...MATRIX_CASES];
