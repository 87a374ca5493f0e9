import { commandName } from '@podwire/base';
import { FEATURE_GROUPS, type ProbeName, type ProbeResult, probe } from '@podwire/kernel/probe';
import { stringify } from 'yaml';
import { colours } from './colours.ts';
import { becomeRoot } from './root.ts';
import { formatTable } from './table.ts';

export interface FeatureRow extends ProbeResult {
  readonly group: string;
  readonly feature: string;
  /** What podwire has it for. */
  readonly use: string;
}

const WORDS = { yes: 'yes', no: 'no', unknown: 'could not tell' } as const;

/** Tries every feature of this machine's kernel, in namespaces of its own; needs no lab. Exit 0 whatever is found. */
export function features(output: 'json' | 'yaml' | 'wide' | undefined): number {
  becomeRoot();
  const rows = Object.entries(FEATURE_GROUPS).flatMap(([group, all]) =>
    Object.entries(all).map(
      ([feature, { use }]): FeatureRow => ({ group, feature, use, ...probe(feature as ProbeName) }),
    ),
  );
  if (output === 'json') console.log(JSON.stringify(rows, null, 2));
  else if (output === 'yaml') console.log(stringify(rows));
  else console.log(formatFeatures(rows, output === 'wide'));
  return 0;
}

/** `wide` adds the kernel's words where the answer is not yes. */
export function formatFeatures(rows: readonly FeatureRow[], wide: boolean): string {
  const headers = ['GROUP', 'FEATURE', 'KERNEL', 'FOR', ...(wide ? ['REASON'] : [])];
  const cells = rows.map(({ group, feature, outcome, use, reason }) => {
    return [group, feature, WORDS[outcome], use, ...(wide ? [reason ?? ''] : [])];
  });
  const counts = (['yes', 'no', 'unknown'] as const).map((outcome) => {
    return `${rows.filter((row) => row.outcome === outcome).length} ${WORDS[outcome]}`;
  });
  const advice = wide ? '' : `; reasons: ${colours.bold(`${commandName()} status --features -o wide`)}`;
  return `${formatTable(headers, cells)}\n\n${counts.join(', ')}${advice}`;
}
