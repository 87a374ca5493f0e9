import type { RoomStatus } from '@podwire/kube';

export interface NodeStatus {
  readonly node: string;
  readonly rooms: readonly RoomStatus[];
}

/** What is wrong, of one room or of all: a line for each, with the nodes that have it. */
export const errorLines = (nodes: readonly NodeStatus[], only?: string): string[] =>
  linesOf(nodes, ({ errors }) => errors, only);

/** What is asked for and cannot be had, in the same way. */
export const limitLines = (nodes: readonly NodeStatus[], only?: string): string[] =>
  linesOf(nodes, ({ limits = [] }) => limits, only);

function linesOf(nodes: readonly NodeStatus[], told: (room: RoomStatus) => readonly string[], only?: string): string[] {
  const all = nodes.flatMap(({ node, rooms }) =>
    rooms
      .filter(({ room }) => only === undefined || room === only)
      .flatMap((room) => told(room).map((one) => ({ node, line: `${room.room}: ${one}` }))),
  );
  return [...Map.groupBy(all, ({ line }) => line)].map(([line, where]) => {
    const names = [...new Set(where.map(({ node }) => node))];
    return `${names.length > 1 && names.length === nodes.length ? 'all nodes' : names.join(', ')} ${line}`;
  });
}
