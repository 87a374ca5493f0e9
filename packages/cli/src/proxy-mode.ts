import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { PodwireError } from '@podwire/base';
import { parseYaml } from '@podwire/kube';
import { labPaths, type ProxyModeOutcome } from '@podwire/lab';
import { stringify } from 'yaml';
import { colours } from './colours.ts';
import { askDaemon, tellDaemon } from './control-client.ts';
import { errorLines, limitLines, type NodeStatus } from './node-errors.ts';
import { PROXY_MODES } from './proxy-mode-names.ts';
import { becomeRoot } from './root.ts';
import { formatTable } from './table.ts';

export interface ProxyModeOptions {
  readonly name: string;
  readonly node?: string;
  readonly output?: 'json' | 'yaml' | 'wide';
}

/**
 * Shows the mode of each node, what is wrong with it, and what it cannot do of what Services ask for; with a mode, changes
 * to it first. Exit 1 when a node stays with the one it has.
 */
export async function proxyMode(mode: string | undefined, options: ProxyModeOptions): Promise<number> {
  if (mode !== undefined && !PROXY_MODES.includes(mode))
    throw new PodwireError(
      'CLI_USAGE',
      `there is no proxy mode ${JSON.stringify(mode)}; choose one of: ${PROXY_MODES.join(', ')}`,
    );
  becomeRoot();
  const { name, node, output } = options;
  const query = new URLSearchParams({ ...(node ? { node } : {}) });
  const outcomes = mode === undefined ? [] : await change(mode, options);
  const { nodes } = await askDaemon<{ readonly nodes: readonly NodeStatus[] }>(name, `/status?${query}`);
  const rows = nodes.map((one) => modeOf(one, outcomes));
  if (output === 'json') console.log(JSON.stringify(rows, null, 2));
  else if (output === 'yaml') console.log(stringify(rows));
  else console.log(formatModes(rows, errorLines(nodes, 'services'), limitLines(nodes, 'services')));
  return outcomes.some(({ error }) => error !== undefined) ? 1 : 0;
}

interface ModeRow {
  readonly node: string;
  readonly mode: string;
  /** What is wrong with it. */
  readonly errors: readonly string[];
  /** What Services ask for and it cannot do. */
  readonly limits: readonly string[];
  /** Why it did not go over to another one. */
  readonly refused?: string;
}

function modeOf({ node, rooms }: NodeStatus, outcomes: readonly ProxyModeOutcome[]): ModeRow {
  const services = rooms.find(({ room }) => room === 'services');
  const refused = outcomes.find((outcome) => outcome.node === node)?.error;
  const { facts = {}, errors = [], limits = [] } = services ?? {};
  return { node, mode: String(facts['mode'] ?? 'unknown'), errors, limits, ...(refused !== undefined && { refused }) };
}

/** When all nodes have it, it is written to the configuration the lab was made of. */
async function change(mode: string, { name, node }: ProxyModeOptions): Promise<readonly ProxyModeOutcome[]> {
  const query = new URLSearchParams({ mode, ...(node ? { node } : {}) });
  const outcomes = await tellDaemon<readonly ProxyModeOutcome[]>(name, `/proxy-mode?${query}`);
  if (node === undefined && outcomes.every(({ error }) => error === undefined)) writeMode(name, mode);
  return outcomes;
}

function writeMode(lab: string, mode: string): void {
  const { configFile } = labPaths(lab);
  const input = parseYaml(readFileSync(configFile, 'utf8'), configFile) as { readonly cluster?: object };
  const next = `${configFile}.next`;
  writeFileSync(next, JSON.stringify({ ...input, cluster: { ...input.cluster, proxyMode: mode } }), { mode: 0o600 });
  renameSync(next, configFile);
}

/** The text of the command: a table, then what is not as it should be, under the headings that `status` has. */
export function formatModes(
  rows: readonly Pick<ModeRow, 'node' | 'mode' | 'refused'>[],
  errors: readonly string[],
  limits: readonly string[],
): string {
  const refused = rows.filter((row) => row.refused !== undefined).map(({ node, refused: why }) => `${node}: ${why}`);
  return [
    formatTable(
      ['NODE', 'PROXY-MODE'],
      rows.map(({ node, mode }) => [node, mode]),
    ),
    ...(refused.length > 0 ? [`${colours.red('refused')}\n${refused.join('\n')}`] : []),
    ...(errors.length > 0 ? [`${colours.red('errors')}\n${errors.join('\n')}`] : []),
    ...(limits.length > 0 ? [`${colours.bold('limits')}\n${limits.join('\n')}`] : []),
  ].join('\n\n');
}
