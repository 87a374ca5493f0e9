import type { RoomEntries } from '@podwire/agent';
import { stringify } from 'yaml';
import { askDaemon } from './control-client.ts';
import { becomeRoot } from './root.ts';

export interface PlanOptions {
  readonly name: string;
  readonly node?: string;
  readonly output?: 'json' | 'yaml' | 'wide';
}

interface NodeEntries {
  readonly node: string;
  readonly rooms: readonly RoomEntries[];
}

/** `plan` prints what should be and why; `diff` what differs, with exit code 1 if anything does. */
export async function plan(verb: 'plan' | 'diff', room: string | undefined, options: PlanOptions): Promise<number> {
  becomeRoot();
  const query = new URLSearchParams({ ...(room ? { room } : {}), ...(options.node ? { node: options.node } : {}) });
  const nodes = await askDaemon<readonly NodeEntries[]>(options.name, `/${verb}?${query}`);
  if (options.output === 'json') console.log(JSON.stringify(nodes, null, 2));
  else if (options.output === 'yaml') console.log(stringify(nodes));
  else console.log(formatEntries(nodes) || (verb === 'diff' ? 'the kernel is as planned' : 'nothing is planned'));
  return verb === 'diff' && nodes.some(({ rooms }) => rooms.some(({ entries }) => entries.length > 0)) ? 1 : 0;
}

function formatEntries(nodes: readonly NodeEntries[]): string {
  return nodes
    .flatMap(({ node, rooms }) =>
      rooms.flatMap(({ room, entries }) => entries.map(({ what, why }) => `${node}  ${room}  ${what}  # ${why}`)),
    )
    .join('\n');
}
