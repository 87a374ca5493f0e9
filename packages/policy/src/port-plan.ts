import type { Expression, Statement, Value } from '@podwire/nft';
import type { PortMatch, Protocol } from './model.ts';

const l4proto: Expression = { kind: 'meta', key: 'l4proto' };
const dport: Expression = { kind: 'payload', field: 'th dport' };
const destination: Expression = { kind: 'concat', parts: [{ kind: 'payload', field: 'ip daddr' }, l4proto, dport] };

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

const isProtocol = (protocol: Protocol): Statement => ({ kind: 'match', left: l4proto, op: '==', right: protocol });

/** One list of statements per protocol that has ports by number, or is allowed with all its ports. */
export function numberMatches(ports: readonly PortMatch[]): Statement[][] {
  return PROTOCOLS.flatMap((protocol): Statement[][] => {
    const own = ports.filter((port) => port.protocol === protocol);
    if (own.some((port) => port.kind === 'protocol')) return [[isProtocol(protocol)]];
    const ranges = mergePorts(own.flatMap((port) => (port.kind === 'range' ? [port] : [])));
    const [only, ...more] = ranges;
    if (only === undefined) return [];
    return [[isProtocol(protocol), { kind: 'match', left: dport, op: '==', right: more.length === 0 ? only : ranges }]];
  });
}

/** Sorted and disjoint, as the kernel wants them. */
function mergePorts(ranges: readonly { readonly from: number; readonly to: number }[]): Value[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged.map(({ from, to }) => (from === to ? from : { from, to }));
}

/** One list of statements per protocol that a port name is asked for with. */
export function namedPortMatches(
  ports: readonly PortMatch[],
  { name, set }: { name: string; set: string },
): Statement[][] {
  return PROTOCOLS.filter((protocol) =>
    ports.some((port) => port.kind === 'named' && port.name === name && port.protocol === protocol),
  ).map((protocol): Statement[] => [isProtocol(protocol), { kind: 'lookup', key: destination, set }]);
}
