import { TYPES } from './data-type.ts';
import { FIELDS, type HeaderNeed, META } from './expression-type.ts';
import type { Expression, Statement, TableFamily, Value } from './model.ts';
import { expressionsOf } from './reference.ts';

/** What earlier matches of a rule have settled about the packet, by meta key. */
export interface Known {
  readonly values: Map<number, string>;
}

export interface Dependency {
  readonly metaKey: number;
  readonly value: Buffer;
}

const IIFTYPE = 8; // NFT_META_IIFTYPE
const ETHERNET = Buffer.from([1, 0]); // ARPHRD_ETHER

/** Matches that must stand before the statement so that it reads the header it means; nft(8) inserts the same. */
export function dependenciesOf(statement: Statement, family: TableFamily, known: Known): Dependency[] {
  const needs = expressionsOf(statement).flatMap(needsOf);
  if (statement.kind === 'reject' && statement.with === 'tcp-reset') needs.push('tcp');
  const found: Dependency[] = [];
  for (const dependency of needs.flatMap((need) => dependencies(need, family))) {
    const text = dependency.value.toString('hex');
    if (known.values.has(dependency.metaKey)) continue;
    known.values.set(dependency.metaKey, text);
    found.push(dependency);
  }
  return found;
}

type Need = HeaderNeed;

function needsOf(expression: Expression): Need[] {
  switch (expression.kind) {
    case 'payload': {
      const { needs } = FIELDS[expression.field];
      return needs ? [needs] : [];
    }
    case 'concat':
      return expression.parts.flatMap(needsOf);
    case 'map':
    case 'anonymous-map':
      return needsOf(expression.key);
    case 'bitwise':
    case 'shift':
    case 'jhash':
      return needsOf(expression.of);
    default:
      return [];
  }
}

function dependencies(need: Need, family: TableFamily): Dependency[] {
  const link = family === 'bridge' || family === 'netdev';
  switch (need) {
    case 'ether':
      return link ? [] : [{ metaKey: IIFTYPE, value: ETHERNET }];
    case 'ipv4':
    case 'ipv6':
      if (link) return [metaIs('protocol', need === 'ipv4' ? 'ip' : 'ip6')];
      return family === 'inet' ? [metaIs('nfproto', need)] : [];
    case 'arp':
      return link ? [metaIs('protocol', 'arp')] : [];
    case 'vlan':
      return dependencies('ether', family);
    case 'igmp':
      return [...dependencies('ipv4', family), metaIs('l4proto', need)];
    case 'tcp':
    case 'udp':
    case 'udplite':
    case 'sctp':
    case 'dccp':
    case 'esp':
    case 'ah':
    case 'comp':
      return [metaIs('l4proto', need)];
    case 'icmp':
      return [...dependencies('ipv4', family), metaIs('l4proto', 'icmp')];
    case 'icmpv6':
      return [...dependencies('ipv6', family), metaIs('l4proto', 'icmpv6')];
  }
}

function metaIs(key: 'protocol' | 'nfproto' | 'l4proto', value: string): Dependency {
  return { metaKey: META[key].key, value: TYPES[META[key].type].encode(value) };
}

/** Remembers what a match settles, so that no dependency is inserted twice. */
export function learn(statement: Statement, known: Known): void {
  if (statement.kind !== 'match' || statement.op !== '==' || typeof statement.right === 'object') return;
  const { left, right } = statement;
  if (left.kind === 'meta' && ['protocol', 'nfproto', 'l4proto'].includes(left.key))
    remember(META[left.key].key, right);
  if (left.kind === 'payload' && (left.field === 'ip protocol' || left.field === 'ip6 nexthdr'))
    remember(META.l4proto.key, right);
  if (left.kind === 'payload' && left.field === 'ether type') remember(META.protocol.key, right);

  function remember(key: number, value: Value | readonly Value[]): void {
    known.values.set(key, String(value));
  }
}
