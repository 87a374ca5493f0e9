import type { RoomEntries } from '@podwire/agent';
import { PodwireError } from '@podwire/base';
import { PLANNED_ROOMS, planRooms } from '@podwire/trace';
import { stringify } from 'yaml';
import { clusterOf, type SourceOptions } from './cluster-source.ts';
import { askDaemon } from './control-client.ts';
import { printableLine } from './printable.ts';
import { becomeRoot } from './root.ts';

type Output = 'json' | 'yaml' | 'wide';

export interface DiffOptions {
  readonly name: string;
  readonly node?: string;
  readonly output?: Output;
}

export interface PlanOptions extends DiffOptions, SourceOptions {}

interface NodeEntries {
  readonly node: string;
  readonly rooms: readonly RoomEntries[];
}

/**
 * What should be, and why: as the agents of the lab have it; or, of manifests or for another proxy mode, as they would.
 * The same objects give the same text, one line for each entry, so that two plans can be compared by diff.
 */
export async function plan(room: string | undefined, options: PlanOptions): Promise<number> {
  const pure = options.filename.length > 0 || options.proxyMode !== undefined;
  const nodes = pure ? await planned(room, options) : await ask('plan', room, options);
  print(nodes, options.output, 'nothing is planned');
  return 0;
}

/** What differs from that in the kernel; exit code 1 if anything does. */
export async function diff(room: string | undefined, options: DiffOptions): Promise<number> {
  const nodes = await ask('diff', room, options);
  print(nodes, options.output, 'the kernel is as planned');
  return nodes.some(({ rooms }) => rooms.some(({ entries }) => entries.length > 0)) ? 1 : 0;
}

async function ask(verb: 'plan' | 'diff', room: string | undefined, { name, node }: DiffOptions) {
  becomeRoot();
  const query = new URLSearchParams({ ...(room ? { room } : {}), ...(node ? { node } : {}) });
  return await askDaemon<readonly NodeEntries[]>(name, `/${verb}?${query}`);
}

async function planned(room: string | undefined, options: PlanOptions): Promise<readonly NodeEntries[]> {
  if (room !== undefined && !PLANNED_ROOMS.includes(room))
    throw unknown(`room ${JSON.stringify(room)} cannot be planned without its agent`, PLANNED_ROOMS);
  const cluster = await clusterOf(options);
  const nodes = cluster.nodes().sort((a, b) => (a.name < b.name ? -1 : 1));
  const chosen = nodes.filter(({ name }) => options.node === undefined || name === options.node);
  if (options.node !== undefined && chosen.length === 0)
    throw unknown(
      `there is no node ${JSON.stringify(options.node)}`,
      nodes.map(({ name }) => name),
    );
  const { cluster: config } = cluster.site;
  return await Promise.all(
    chosen.map(async (view) => ({ node: view.name, rooms: await planRooms(view, config, room) })),
  );
}

function unknown(what: string, choices: readonly string[]): PodwireError {
  return new PodwireError('CLI_USAGE', `${what}; choose one of: ${choices.join(', ')}`);
}

function print(nodes: readonly NodeEntries[], output: Output | undefined, nothing: string): void {
  if (output === 'json') console.log(JSON.stringify(nodes, null, 2));
  else if (output === 'yaml') console.log(stringify(nodes));
  else console.log(formatEntries(nodes) || nothing);
}

function formatEntries(nodes: readonly NodeEntries[]): string {
  return nodes
    .flatMap(({ node, rooms }) =>
      rooms.flatMap(({ room, entries, problems = [] }) => [
        ...entries.map(({ what, why }) => printableLine(`${node}  ${room}  ${what}  # ${why}`)),
        ...problems.map((problem) => printableLine(`${node}  ${room}  # cannot be had: ${problem}`)),
      ]),
    )
    .join('\n');
}
