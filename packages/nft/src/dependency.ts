import { EXTENSIONS, FIELDS, type FieldInfo, type HeaderNeed } from './expression-type.ts';
import type { Expression, MetaKey, Statement, TableFamily, Value } from './model.ts';
import { expressionsOf, partsOf } from './reference.ts';

type Match = Extract<Statement, { kind: 'match' }>;

/** What earlier matches of a rule have settled about the packet, by the expression that was matched. */
export interface Known {
  readonly values: Map<string, string>;
}

/** Matches that must stand before the statement so that it reads the header it means; nft(8) inserts the same. */
export function dependenciesOf(statement: Statement, family: TableFamily, known: Known): Match[] {
  const found: Match[] = [];
  for (const dependency of needsOf(statement).flatMap((need) => dependencies(need, family))) {
    const subject = subjectOf(dependency.left) ?? '';
    if (known.values.has(subject)) continue;
    known.values.set(subject, String(dependency.right));
    found.push(dependency);
  }
  return found;
}

/** The headers a statement reads or answers. */
export function needsOf(statement: Statement): Need[] {
  const needs = expressionsOf(statement).flatMap(partsOf).flatMap(needOf);
  return statement.kind === 'reject' ? [...needs, ...rejectNeeds(statement)] : needs;
}

function rejectNeeds({ with: reason, protocol }: Extract<Statement, { kind: 'reject' }>): Need[] {
  if (reason === 'tcp-reset') return [{ header: 'tcp' }];
  return protocol === 'icmp' ? [{ header: 'ipv4' }] : protocol === 'icmpv6' ? [{ header: 'ipv6' }] : [];
}

/** A header, and where a field is not in all messages of a protocol, in which. */
export interface Need {
  readonly header: HeaderNeed;
  readonly messages?: readonly number[];
}

function needOf(expression: Expression): Need[] {
  switch (expression.kind) {
    case 'payload': {
      const { needs: header, messages }: FieldInfo = FIELDS[expression.field];
      return header ? [{ header, ...(messages && { messages }) }] : [];
    }
    case 'extension': {
      const { op } = EXTENSIONS[expression.field];
      return op === 'ipv6' ? [{ header: 'ipv6' }] : op === 'ipv4' ? [{ header: 'ipv4' }] : [];
    }
    default:
      return [];
  }
}

function dependencies({ header, messages }: Need, family: TableFamily): Match[] {
  const link = family === 'bridge' || family === 'netdev';
  const of = (needed: HeaderNeed) => dependencies({ header: needed }, family);
  switch (header) {
    case 'ether':
      return family === 'bridge' ? [] : [is({ kind: 'meta', key: 'iiftype' }, 'ether')];
    case 'vlan':
      return [...of('ether'), is({ kind: 'payload', field: 'ether type' }, 'vlan')];
    case 'ipv4':
    case 'ipv6':
      if (link) return [metaIs('protocol', header === 'ipv4' ? 'ip' : 'ip6')];
      return family === 'inet' ? [metaIs('nfproto', header)] : [];
    case 'arp':
      return link ? [metaIs('protocol', 'arp')] : [];
    case 'igmp':
      return [...of('ipv4'), metaIs('l4proto', 'igmp')];
    case 'icmp':
      return [...of('ipv4'), metaIs('l4proto', 'icmp'), ...messageTypes('icmp type', messages)];
    case 'icmpv6':
      return [...of('ipv6'), metaIs('l4proto', 'icmpv6'), ...messageTypes('icmpv6 type', messages)];
    default:
      return [metaIs('l4proto', header)];
  }
}

function messageTypes(field: 'icmp type' | 'icmpv6 type', messages: readonly number[] | undefined): Match[] {
  if (!messages) return [];
  const [only] = messages;
  return [is({ kind: 'payload', field }, messages.length === 1 && only !== undefined ? only : messages)];
}

const is = (left: Expression, right: Value | readonly Value[]): Match => ({ kind: 'match', left, op: '==', right });
const metaIs = (key: MetaKey, value: string): Match => is({ kind: 'meta', key }, value);

/** What a match settles; two ways to ask for the same are the same. */
function subjectOf(left: Expression): string | undefined {
  if (left.kind === 'meta' && ['protocol', 'nfproto', 'l4proto', 'iiftype'].includes(left.key)) return left.key;
  if (left.kind !== 'payload') return undefined;
  if (left.field === 'ip protocol' || left.field === 'ip6 nexthdr') return 'l4proto';
  return ['ether type', 'icmp type', 'icmpv6 type'].includes(left.field) ? left.field : undefined;
}

/** Remembers what a match settles, so that no dependency is inserted twice. */
export function learn(statement: Statement, known: Known): void {
  if (statement.kind !== 'match' || statement.op !== '==') return;
  const subject = subjectOf(statement.left);
  if (subject === undefined) return;
  if (typeof statement.right === 'object' && !subject.startsWith('icmp')) return;
  known.values.set(subject, String(statement.right));
  if (subject !== 'ether type') return;
  known.values.set('protocol', String(statement.right));
  if (statement.right === 'ip' || statement.right === 'ip6') known.values.set('nfproto', String(statement.right));
}
