import type { Expression, Rule, Statement, Verdict } from '@podwire/nft';
import type { SetName } from './layout.ts';

/** The vocabulary of this table's rules. */
const payload = (field: Extract<Expression, { kind: 'payload' }>['field']): Expression => ({ kind: 'payload', field });
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });

export const SOURCE = payload('ip saddr');
export const DESTINATION = payload('ip daddr');
export const MARK: Expression = { kind: 'meta', key: 'mark' };
export const CT_MARK: Expression = { kind: 'ct', key: 'mark' };
export const ORIGINAL_DESTINATION: Expression = { kind: 'ct', key: 'original ip daddr' };
const PROTOCOL: Expression = { kind: 'meta', key: 'l4proto' };
const PORT = payload('th dport');

/** The service a packet is for, before DNAT. */
export const KEY = concat(DESTINATION, PROTOCOL, PORT);
export const KEY_AND_MARK = concat(DESTINATION, PROTOCOL, PORT, MARK);
export const SOURCE_AND_KEY = concat(SOURCE, DESTINATION, PROTOCOL, PORT);
export const BOTH_ENDS = concat(SOURCE, DESTINATION);
/** The service a packet was for, after DNAT; nft can type it only behind a match of the protocol. */
export const ORIGINAL_KEY = concat(ORIGINAL_DESTINATION, PROTOCOL, { kind: 'ct', key: 'original proto-dst' });

export const constant = (value: string | number): Expression => ({ kind: 'value', value });
export const mapped = (key: Expression, map: SetName): Expression => ({ kind: 'map', key, map });
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
export const toEndpoint: Statement = { kind: 'dnat', family: 'ip', to: mapped(KEY_AND_MARK, 'ep'), withPort: true };

/** A rule; the comment, if any, is what `nft list` shows. */
export const rule = (statements: readonly Statement[], comment?: string): Rule => ({
  statements,
  ...(comment && { comment }),
});
