import type { RoomStatus } from '@podwire/kube';

export interface NodeStatus {
  readonly node: string;
  readonly rooms: readonly RoomStatus[];
}

/** What is wrong, of one room or of all: a line for each, with the nodes that have it. */
export function errorLines(nodes: readonly NodeStatus[], only?: string): string[] {
  const all = nodes.flatMap(({ node, rooms }) =>
    rooms
      .filter(({ room }) => only === undefined || room === only)
      .flatMap(({ room, errors }) => errors.map((error) => ({ node, line: `${room}: ${error}` }))),
  );
  return [...Map.groupBy(all, ({ line }) => line)].map(([line, where]) => {
    const names = [...new Set(where.map(({ node }) => node))];
    return `${names.length > 1 && names.length === nodes.length ? 'all nodes' : names.join(', ')} ${line}`;
  });
}
