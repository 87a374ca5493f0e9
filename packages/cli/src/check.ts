import { PodwireError } from '@podwire/base';
import { type CheckRow, labPaths } from '@podwire/lab';
import { colours } from './colours.ts';
import { requireLab, streamDaemon } from './control-client.ts';
import { becomeRoot } from './root.ts';

export interface CheckOptions {
  readonly name: string;
  readonly output?: 'json' | 'junit';
}

export async function check({ name, output }: CheckOptions): Promise<number> {
  becomeRoot();
  requireLab(name);
  const rows = await runChecks(name, (row) => {
    if (!output) console.log(formatRow(row));
  });
  if (output === 'json') console.log(JSON.stringify(rows, null, 2));
  if (output === 'junit') console.log(formatJunit(rows));
  const failed = rows.filter((row) => !row.ok).length;
  if (!output) console.log(`${rows.length - failed} of ${rows.length} checks passed`);
  return failed === 0 ? 0 : 1;
}

/** Throws CLI_CHECK when there is no row: a check that proves nothing has not passed. */
export async function runChecks(lab: string, show: (row: CheckRow) => void): Promise<readonly CheckRow[]> {
  const rows: CheckRow[] = [];
  for await (const row of streamDaemon<CheckRow>(lab, '/check', 'POST')) {
    rows.push(row);
    show(row);
  }
  if (rows.length > 0) return rows;
  throw new PodwireError('CLI_CHECK', `the check of lab "${lab}" proved nothing; ${labPaths(lab).log} may say why`);
}

export function formatRow({ name, ok, detail, ms }: CheckRow): string {
  return `${ok ? colours.green('ok    ') : colours.red('FAILED')} ${name.padEnd(30)} ${detail} ${colours.dim(`(${ms.toFixed(0)} ms)`)}`;
}

const XML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
const xml = (text: string): string => text.replace(/[<>&"]/g, (c) => XML[c] ?? c);

export function formatJunit(rows: readonly CheckRow[]): string {
  const cases = rows.map(({ name, ok, detail, ms }) => {
    const open = `  <testcase classname="podwire.check" name="${xml(name)}" time="${(ms / 1000).toFixed(3)}"`;
    return ok ? `${open}/>` : `${open}>\n    <failure message="${xml(detail)}"/>\n  </testcase>`;
  });
  const failures = rows.filter((row) => !row.ok).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="podwire check" tests="${rows.length}" failures="${failures}">\n${cases.join('\n')}\n</testsuite>`;
}
