import { TYPES } from './data-type.ts';
import type { HeaderNeed } from './header-field.ts';
import type { Statement, TableFamily, Value } from './model.ts';

/** What the matches so far say about a packet's headers, and so which names its bytes have. */
export class ProtocolContext {
  readonly #headers = new Set<HeaderNeed>();
  #messages: readonly number[] = [];
  readonly #learns: boolean;

  /** Without a family nothing is known, and bytes keep their numbers. */
  constructor(family: TableFamily | undefined) {
    this.#learns = family !== undefined;
    if (family === 'bridge' || family === 'netdev') this.#headers.add('ether').add('vlan');
    if (family === 'ip') this.#headers.add('ipv4');
    if (family === 'ip6') this.#headers.add('ipv6');
    if (family === 'arp') this.#headers.add('arp');
  }

  has(need: HeaderNeed | undefined): boolean {
    return need === undefined || this.#headers.has(need);
  }

  /** Whether the packet is an ICMP message of one of these types. */
  isMessage(types: readonly number[]): boolean {
    return this.#messages.length > 0 && this.#messages.every((type) => types.includes(type));
  }

  learn(statement: Statement): void {
    if (!this.#learns || statement.kind !== 'match' || statement.op !== '==') return;
    const { left, right } = statement;
    const name = left.kind === 'meta' ? `meta ${left.key}` : left.kind === 'payload' ? left.field : '';
    if (name === 'icmp type' || name === 'icmpv6 type') this.#learnMessages(name, right);
    const header = HEADERS[name]?.(right);
    if (header) this.#headers.add(header);
    if (header === 'ether') this.#headers.add('vlan');
  }

  #learnMessages(name: 'icmp type' | 'icmpv6 type', right: Value | readonly Value[]): void {
    const type = TYPES[name === 'icmp type' ? 'icmp_type' : 'icmpv6_type'];
    const values = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
    this.#messages = values.flatMap((value) => (typeof value === 'object' ? [] : [type.encode(value)[0] ?? 0]));
    if (this.#messages.length < values.length) this.#messages = [];
  }
}

type Right = Value | readonly Value[];
const TRANSPORTS: Readonly<Record<string, HeaderNeed>> = {
  ...{ tcp: 'tcp', udp: 'udp', udplite: 'udplite', sctp: 'sctp', dccp: 'dccp', icmp: 'icmp', igmp: 'igmp' },
  ...{ icmpv6: 'icmpv6', 'ipv6-icmp': 'icmpv6', esp: 'esp', ah: 'ah', comp: 'comp', ipcomp: 'comp' },
};
const transport = (right: Right): HeaderNeed | undefined => TRANSPORTS[String(right)];
const network = (right: Right): HeaderNeed | undefined =>
  (({ ip: 'ipv4', ip6: 'ipv6', arp: 'arp', ipv4: 'ipv4', ipv6: 'ipv6' }) as const)[String(right)];

/** Which header a value of these fields promises. */
const HEADERS: Readonly<Record<string, (right: Right) => HeaderNeed | undefined>> = {
  'meta nfproto': network,
  'meta protocol': network,
  'ether type': network,
  'vlan type': network,
  'meta l4proto': transport,
  'ip protocol': transport,
  'ip6 nexthdr': transport,
  'meta iiftype': (right) => (right === 'ether' ? 'ether' : undefined),
};
