import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { deltaOf } from './diff.ts';
import { encodeDelta } from './encode-delta.ts';
import { formatTable } from './format.ts';
import type { Expression, Statement, Table, TableFamily, Value } from './model.ts';

type Field = Extract<Expression, { kind: 'payload' }>['field'];
type Key = Extract<Expression, { kind: 'meta' }>['key'];
const is = (left: Expression, right: Value | readonly Value[]): Statement => ({ kind: 'match', left, op: '==', right });
const field = (name: Field, right: Value | readonly Value[]): Statement => is({ kind: 'payload', field: name }, right);
const meta = (key: Key, right: Value | readonly Value[]): Statement => is({ kind: 'meta', key }, right);
const [tcp, udp] = [field('tcp dport', 80), field('udp dport', 80)];
const [ip, ip6] = [field('ip saddr', '10.0.0.1'), field('ip6 saddr', '2001:db8::1')];
const ping = field('icmp type', 'echo-request');
const reset: Statement = { kind: 'reject', with: 'tcp-reset' };
const drop: Statement = { kind: 'verdict', verdict: { kind: 'drop' } };
const counter: Statement = { kind: 'counter' };
const frag = is({ kind: 'extension', field: 'exthdr frag' }, 'exists');

const CONTRADICTIONS: readonly (readonly [TableFamily, readonly Statement[], RegExp])[] = [
  ['inet', [udp, reset], /"udp dport 80 reject with tcp reset" reads tcp .* takes for udp/],
  ['inet', [tcp, udp], /reads udp .* takes for tcp/],
  ['inet', [meta('l4proto', ['tcp', 'udp']), tcp], /reads tcp .* takes for tcp or udp/],
  ['inet', [meta('l4proto', 6), meta('l4proto', 'udp'), tcp], /takes for tcp or udp/],
  ['inet', [field('ip protocol', 6), udp], /takes for tcp/],
  ['inet', [ip, ip6], /reads ip6 .* takes for ip$/],
  ['ip6', [ip], /reads ip .* takes for ip6/],
  ['ip6', [ping], /reads ip .* takes for ip6/],
  ['ip', [frag], /reads ip6/],
  ['inet', [ip, is({ kind: 'ct', key: 'original ip6 daddr' }, '::1')], /reads ip6/],
  ['inet', [meta('iiftype', ['ether', 'loopback']), field('ether type', 'ip')], /takes for ether or loopback/],
  ['arp', [tcp], /reads tcp .* takes for arp/],
  ['bridge', [meta('protocol', 'arp'), counter, tcp], /takes for arp/],
  ['netdev', [field('ether type', 'ip'), field('vlan id', 5)], /VLAN/],
  ['inet', [field('arp operation', 'request')], /reads arp/],
  ['ip', [ping, tcp], /reads tcp .* takes for icmp/],
  ['ip', [field('icmp type', 'redirect'), field('icmp id', 7)], /messages of type 5/],
  ['ip', [meta('nfproto', 'ipv4')], /meta nfproto/],
  ['ip', [{ kind: 'reject', with: 'port-unreachable', protocol: 'icmpx' }], /icmpx/],
  ['ip', [{ kind: 'reject', with: 'port-unreachable', protocol: 'icmpv6' }], /reads ip6/],
  ['ip', [drop, counter], /"drop counter" goes on behind drop/],
  ['ip', [{ kind: 'masquerade' }, drop], /goes on behind masquerade/],
];

const tableOf = (family: TableFamily, statements: readonly Statement[]): Table => ({
  family,
  name: 't',
  sets: [],
  chains: [{ name: 'c', rules: [{ statements }] }],
});

function refusals(table: Table): unknown[] {
  return [() => formatTable(table), () => encodeDelta(deltaOf(undefined, table))].map((print) => {
    try {
      return print() && 'printed';
    } catch (error) {
      return error;
    }
  });
}

for (const [family, statements, fault] of CONTRADICTIONS)
  test(`both printers refuse, in family ${family}: ${fault}`, () => {
    for (const refusal of refusals(tableOf(family, statements)))
      assert.ok(hasCode(refusal, 'NFT_BAD_RULESET') && fault.test(String(refusal)), String(refusal));
  });

const CONSISTENT: readonly (readonly [TableFamily, readonly Statement[]])[] = [
  ['inet', [meta('l4proto', ['tcp']), tcp, reset]],
  ['inet', [meta('l4proto', ['tcp', 'udp']), field('th dport', 80), drop]],
  ['inet', [field('ip protocol', 'tcp'), meta('l4proto', 6), tcp, ip]],
  ['inet', [field('ether type', 'arp'), field('arp operation', 'request')]],
  ['bridge', [field('vlan id', 5), field('vlan type', 'ip'), ip, tcp]],
  ['ip', [field('icmp type', ['echo-request', 'echo-reply']), field('icmp id', 7)]],
  ['ip', [{ kind: 'verdict', verdict: { kind: 'continue' } }, counter, drop]],
];

for (const [family, statements] of CONSISTENT)
  test(`both printers take, in family ${family}: ${formatTable(tableOf(family, statements)).split('\n')[2]?.trim()}`, () => {
    for (const printed of refusals(tableOf(family, statements)))
      assert.ok(!(printed instanceof Error), String(printed));
  });
