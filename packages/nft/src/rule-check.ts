import { TYPES, type ValueType } from './data-type.ts';
import { type Need, needsOf } from './dependency.ts';
import { nftError } from './errors.ts';
import type { HeaderNeed } from './expression-type.ts';
import { formatStatement } from './format-statement.ts';
import type { Rule, Statement, Table, TableFamily, Value } from './model.ts';
import { expressionsOf, partsOf } from './reference.ts';

type Match = Extract<Statement, { kind: 'match' }>;

/**
 * Throws NFT_BAD_RULESET, naming the rule, when its statements contradict each other: it reads headers that one packet
 * does not have both, or goes on where it has ended. nft's parser refuses these rules; the kernel would take them, and
 * they would never match.
 */
export function checkRule(rule: Rule, table: Table): void {
  const fault = faultOf(rule, table);
  if (fault === undefined) return;
  const text = rule.statements.map((statement) => formatStatement(statement, table)).join(' ');
  throw nftError('NFT_BAD_RULESET', `the rule "${text}" ${fault}`);
}

function faultOf({ statements }: Rule, table: Table): string | undefined {
  const headers = new SettledHeaders(table.family);
  for (const [i, statement] of statements.entries()) {
    const fault = familyFault(statement, table.family) ?? headers.read(statement);
    if (fault !== undefined) return fault;
    if (endsRule(statement) && i + 1 < statements.length)
      return `goes on behind ${formatStatement(statement, table)}, which ends it`;
  }
  return undefined;
}

/** Whether a packet that gets here never gets to what stands behind it. */
function endsRule(statement: Statement): boolean {
  if (statement.kind === 'verdict') return statement.verdict.kind !== 'continue';
  return ['reject', 'dnat', 'snat', 'masquerade', 'redirect', 'queue', 'fwd'].includes(statement.kind);
}

/** What has another meaning, or none, in tables of some families. */
function familyFault(statement: Statement, family: TableFamily): string | undefined {
  const single = family === 'ip' || family === 'ip6';
  if (single && statement.kind === 'reject' && statement.protocol === 'icmpx')
    return `answers with icmpx, which a table of family ${family} does not have; name no protocol`;
  const parts = expressionsOf(statement).flatMap(partsOf);
  if (family !== 'inet' && parts.some((part) => part.kind === 'meta' && part.key === 'nfproto'))
    return `reads meta nfproto, which tells something in family inet only, not in ${family}; use meta protocol`;
  return undefined;
}

type Layer = 'device' | 'link' | 'network' | 'transport';
const NETWORKS: Readonly<Partial<Record<HeaderNeed, string>>> = { ipv4: 'ip', ipv6: 'ip6', arp: 'arp' };

/** What a rule has said of a packet's headers so far: every value that it asked for, by layer. */
class SettledHeaders {
  readonly #family: TableFamily;
  readonly #values: Readonly<Record<Layer, Set<string>>> = {
    device: new Set(),
    link: new Set(),
    network: new Set(),
    transport: new Set(),
  };
  #messages: readonly number[] = [];
  /** The link's header was looked at. */
  #ether = false;

  constructor(family: TableFamily) {
    this.#family = family;
  }

  /** Takes in what the statement reads and compares; a text says what contradicts what was known. */
  read(statement: Statement): string | undefined {
    if (statement.kind === 'reject' && this.#network.has('arp')) return 'rejects ARP, which has no answer';
    for (const need of [...needsOf(statement), ...trackedNeeds(statement)]) {
      const fault = this.#need(need);
      if (fault !== undefined) return fault;
    }
    if (statement.kind === 'match' && statement.op === '==') this.#learn(statement);
    return undefined;
  }

  /** Tables of these families see one protocol only. */
  get #isFixed(): boolean {
    return this.#family === 'ip' || this.#family === 'ip6' || this.#family === 'arp';
  }

  get #network(): ReadonlySet<string> {
    return this.#isFixed ? new Set([this.#family, ...this.#values.network]) : this.#values.network;
  }

  #need({ header, messages }: Need): string | undefined {
    switch (header) {
      case 'ether':
        this.#ether = true;
        return clash('ether', this.#values.device);
      case 'vlan':
        return clash('ether', this.#values.device) ?? this.#vlan();
      case 'ipv4':
      case 'ipv6':
      case 'arp':
        return this.#inNetwork(NETWORKS[header] ?? header);
      case 'icmp':
      case 'igmp':
        return this.#inNetwork('ip') ?? this.#inTransport(header) ?? this.#inMessage(messages);
      case 'icmpv6':
        return this.#inNetwork('ip6') ?? this.#inTransport(header) ?? this.#inMessage(messages);
      default:
        return this.#inTransport(header);
    }
  }

  /** The tag stands before what the network layer is known by. */
  #vlan(): string | undefined {
    const { link, network } = this.#values;
    const late = this.#isFixed ? this.#ether : network.size > 0;
    if (!link.has('vlan') && (late || link.size > 0)) return 'asks for a VLAN behind what says that there is none';
    this.#ether = true;
    link.add('vlan');
    return undefined;
  }

  #inNetwork(protocol: string): string | undefined {
    const known = this.#network;
    if (this.#family === 'inet' && protocol === 'arp' && !known.has('arp'))
      return 'reads arp in a table of IP packets; at hook ingress, match ether type arp first';
    return clash(protocol, known) ?? this.#settle('network', protocol);
  }

  #inTransport(header: string): string | undefined {
    if (this.#network.has('arp')) return clash(header, this.#network);
    const known = this.#values.transport;
    return clash(nameOf('inet_proto', header), known) ?? this.#settle('transport', nameOf('inet_proto', header));
  }

  #inMessage(types: readonly number[] | undefined): string | undefined {
    if (!types) return undefined;
    const foreign = this.#messages.find((type) => !types.includes(type));
    if (foreign !== undefined) return `reads what messages of type ${foreign} do not have`;
    this.#messages = types;
    return undefined;
  }

  #settle(layer: Layer, value: string): undefined {
    this.#values[layer].add(value);
  }

  #learn({ left, right }: Match): void {
    const values = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
    const single = values.filter((value) => typeof value !== 'object');
    const subject = left.kind === 'meta' ? `meta ${left.key}` : left.kind === 'payload' ? left.field : '';
    if (subject === 'icmp type' || subject === 'icmpv6 type') {
      const type = TYPES[subject === 'icmp type' ? 'icmp_type' : 'icmpv6_type'];
      this.#messages = single.map((value) => type.encode(value)[0] ?? 0);
    }
    if (subject === 'meta iiftype') this.#ether = true;
    const settles = SUBJECTS[subject];
    if (!settles || (subject === 'meta protocol' && !['bridge', 'netdev'].includes(this.#family))) return;
    for (const value of single) {
      const name = nameOf(settles.type, value);
      for (const layer of settles.layers) this.#values[layer].add(NETWORKS[name as HeaderNeed] ?? name);
    }
  }
}

/** The connection's addresses are of the packet's protocol. */
function trackedNeeds(statement: Statement): Need[] {
  return expressionsOf(statement)
    .flatMap(partsOf)
    .flatMap((part) => {
      const protocol = part.kind === 'ct' ? / (ip6?) /.exec(part.key)?.[1] : undefined;
      return protocol ? [{ header: protocol === 'ip' ? 'ipv4' : 'ipv6' } as const] : [];
    });
}

/** Comparisons that settle what a packet is. */
const SUBJECTS: Readonly<Record<string, { readonly type: ValueType; readonly layers: readonly Layer[] }>> = {
  'meta iiftype': { type: 'iface_type', layers: ['device'] },
  'ether type': { type: 'ether_type', layers: ['link', 'network'] },
  'vlan type': { type: 'ether_type', layers: ['network'] },
  'meta protocol': { type: 'ether_type', layers: ['link', 'network'] },
  'meta nfproto': { type: 'nf_proto', layers: ['network'] },
  'meta l4proto': { type: 'inet_proto', layers: ['transport'] },
  'ip protocol': { type: 'inet_proto', layers: ['transport'] },
  'ip6 nexthdr': { type: 'inet_proto', layers: ['transport'] },
};

/** The one name of a value that may be written as a number or in several words. */
function nameOf(type: ValueType, value: string | number): string {
  return String(TYPES[type].decode(TYPES[type].encode(value)));
}

function clash(wanted: string, known: ReadonlySet<string>): string | undefined {
  const other = [...known].find((one) => one !== wanted);
  return other === undefined ? undefined : `reads ${wanted} of a packet that it takes for ${[...known].join(' or ')}`;
}
