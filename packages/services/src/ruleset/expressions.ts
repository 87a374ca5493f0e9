import type { Family } from '@podwire/base';
import type { Expression, Rule, Statement, Verdict } from '@podwire/nft';
import type { SetName } from './sets.ts';

/** The vocabulary of this table's rules. */
const payload = (field: Extract<Expression, { kind: 'payload' }>['field']): Expression => ({ kind: 'payload', field });
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });

export const MARK: Expression = { kind: 'meta', key: 'mark' };
export const CT_MARK: Expression = { kind: 'ct', key: 'mark' };
const PROTOCOL: Expression = { kind: 'meta', key: 'l4proto' };
const PORT = payload('th dport');

export function mapped(key: Expression, map: SetName): Expression {
  return { kind: 'map', key, map };
}

/** What rules look at, by family. */
export const FIELDS = { ipv4: fieldsOf('ip'), ipv6: fieldsOf('ip6') } as const satisfies Readonly<
  Record<Family, unknown>
>;
export type Fields = ReturnType<typeof fieldsOf>;

function fieldsOf(ip: 'ip' | 'ip6') {
  const [source, destination] = [payload(`${ip} saddr`), payload(`${ip} daddr`)];
  const originalDestination: Expression = { kind: 'ct', key: `original ${ip} daddr` };
  const keyAndMark = concat(destination, PROTOCOL, PORT, MARK);
  const toEndpoint: Statement = { kind: 'dnat', family: ip, to: mapped(keyAndMark, 'ep'), withPort: true };
  return {
    ip,
    source,
    destination,
    originalDestination,
    /** The service a packet is for, before DNAT. */
    key: concat(destination, PROTOCOL, PORT),
    keyAndMark,
    sourceAndKey: concat(source, destination, PROTOCOL, PORT),
    sourceAndPort: concat(source, payload('th sport')),
    bothEnds: concat(source, destination),
    /** The service a packet was for, after DNAT; nft can type it only behind a match of the protocol. */
    originalKey: concat(originalDestination, PROTOCOL, { kind: 'ct', key: 'original proto-dst' }),
    toEndpoint,
  };
}

export const constant = (value: string | number): Expression => ({ kind: 'value', value });
export const bits = (of: Expression, mask: number, xor = 0): Expression => ({ kind: 'bitwise', of, mask, xor });

export const inSet = (key: Expression, set: SetName): Statement => ({ kind: 'lookup', key, set });
export const notInSet = (key: Expression, set: SetName): Statement => ({ kind: 'lookup', key, set, invert: true });
export const equals = (left: Expression, right: string | number): Statement => ({
  kind: 'match',
  left,
  op: '==',
  right,
});
export const differs = (left: Expression, right: string | number): Statement => ({
  kind: 'match',
  left,
  op: '!=',
  right,
});
export const protocolIs = (protocol: string): Statement => equals(PROTOCOL, protocol);
export const stateIs = (...states: string[]): Statement => ({
  kind: 'match',
  left: { kind: 'ct', key: 'state' },
  op: '==',
  right: states,
});
export const isDnat: Statement = { kind: 'match', left: { kind: 'ct', key: 'status' }, op: '==', right: ['dnat'] };
export const addressIs = (end: 'saddr' | 'daddr', type: string): Statement =>
  equals({ kind: 'fib', flags: [end], result: 'type' }, type);
export const addressIsNot = (end: 'saddr' | 'daddr', type: string): Statement =>
  differs({ kind: 'fib', flags: [end], result: 'type' }, type);

export const setMark = (to: Expression): Statement => ({ kind: 'set-mark', to });
export const setCtMark = (to: Expression): Statement => ({ kind: 'set-ct-mark', to });
export const jump = (chain: string): Statement => ({ kind: 'verdict', verdict: { kind: 'jump', chain } });
export const goto = (chain: string): Statement => ({ kind: 'verdict', verdict: { kind: 'goto', chain } });
export const verdict = (
  kind: Extract<Verdict, { kind: 'accept' | 'drop' | 'continue' | 'return' }>['kind'],
): Statement => ({ kind: 'verdict', verdict: { kind } });

/** A rule; the comment, if any, is what `nft list` shows. */
export const rule = (statements: readonly Statement[], comment?: string): Rule => ({
  statements,
  ...(comment && { comment }),
});
