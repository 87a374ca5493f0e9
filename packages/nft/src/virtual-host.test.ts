import assert from 'node:assert/strict';
import test from 'node:test';
import { replyTo } from './connection-table.ts';
import type { Chain, Statement, Table } from './model.ts';
import { possibilities } from './possibility.ts';
import { VirtualHost, type VirtualHostOptions } from './virtual-host.ts';

const chain = (name: string, base: NonNullable<Chain['base']>, ...rules: Statement[][]): Chain => ({
  name,
  base,
  rules: rules.map((statements) => ({ statements })),
});
const table = (...chains: Chain[]): Table => ({ family: 'ip', name: 't', sets: [], chains });
const forward = { type: 'filter', hook: 'forward', priority: 0 } as const;
const drop: Statement = { kind: 'verdict', verdict: { kind: 'drop' } };
const accept: Statement = { kind: 'verdict', verdict: { kind: 'accept' } };
const state = (right: string): Statement => ({ kind: 'match', left: { kind: 'ct', key: 'state' }, op: '==', right });
const packet = { saddr: '10.1.0.2', daddr: '10.2.0.2', protocol: 'udp', sport: 4000, dport: 53, iifname: 'r1' };

const host = (tables: readonly Table[], more: Partial<VirtualHostOptions> = {}) =>
  new VirtualHost({
    tables,
    routeTo: ({ daddr }) => ({ kind: 'link', name: daddr.startsWith('10.1.') ? 'r1' : 'r2' }),
    linkAddress: (link) => (link === 'r1' ? '10.1.0.1' : '10.2.0.1'),
    ...more,
  });

test('answers come in only after a question went out', () => {
  const rules = chain(
    'forward',
    { ...forward, policy: 'drop' },
    [{ kind: 'match', left: { kind: 'meta', key: 'iifname' }, op: '==', right: 'r1' }, accept],
    [state('established'), accept],
  );
  const router = host([table(rules)]);
  const answer = { ...replyTo(packet), iifname: 'r2' };
  assert.equal(router.receive(answer).outcome, 'dropped');
  assert.equal(router.receive(packet).outcome, 'forwarded');
  assert.equal(router.receive(answer).outcome, 'forwarded');
});

test('masquerade hides the sender, and an ICMP error about the packet finds it', () => {
  const post = chain('post', { type: 'nat', hook: 'postrouting', priority: 100 }, [{ kind: 'masquerade' }]);
  const router = host([table(post)]);
  const out = router.receive(packet).packet;
  assert.equal(out.saddr, '10.2.0.1');
  const error = { saddr: '10.2.0.9', daddr: '10.2.0.1', protocol: 'icmp', icmpType: 3, iifname: 'r2', about: out };
  const back = router.receive(error);
  assert.deepEqual([back.packet.ct?.state, back.packet.daddr, back.packet.oifname], ['related', '10.1.0.2', 'r1']);
});

test('limits fill up again, elements expire', () => {
  let now = 0;
  const seen: Table = {
    ...table(
      chain(
        'forward',
        { ...forward, policy: 'drop' },
        [{ kind: 'lookup', key: { kind: 'payload', field: 'ip saddr' }, set: 'seen' }, drop],
        [
          { kind: 'limit', rate: 1, per: 'minute', burst: 1 },
          { kind: 'update', op: 'add', set: 'seen', key: { kind: 'payload', field: 'ip saddr' } },
          accept,
        ],
      ),
    ),
    sets: [{ name: 'seen', key: ['ipv4_addr'], dynamic: true, timeout: 90, elements: [] }],
  };
  const router = host([seen], { clock: () => now });
  const outcomes = [0, 60, 89, 91].map((time) => {
    now = time;
    return router.receive(packet).outcome;
  });
  assert.deepEqual(outcomes, ['forwarded', 'dropped', 'dropped', 'forwarded']);
});

test('what nobody said makes the outcome uncertain, and says why', () => {
  const router = host([
    table(
      chain('forward', forward, [
        { kind: 'match', left: { kind: 'payload', field: 'ip id' }, op: '==', right: 7 },
        drop,
      ]),
    ),
  ]);
  const { outcome, cannotTell } = router.receive(packet);
  assert.deepEqual([outcome, cannotTell], ['forwarded', ['ip id']]);
});

test('every draw of a balancer is a possibility', () => {
  const pre = chain('pre', { type: 'nat', hook: 'prerouting', priority: -100 }, [
    {
      kind: 'dnat',
      family: 'ip',
      to: {
        kind: 'anonymous-map',
        key: { kind: 'numgen', mode: 'random', modulus: 3 },
        data: ['ipv4_addr'],
        elements: [0, 1, 2].map((n) => ({ key: [n], data: [`10.2.0.${5 + n}`] })),
      },
    },
  ]);
  const found = possibilities((choose) => host([table(pre)], { choose }).receive(packet).packet.daddr);
  assert.deepEqual(found, ['10.2.0.5', '10.2.0.6', '10.2.0.7']);
});

test('untracked packets are not translated, rejections say how', () => {
  const raw = chain('raw', { type: 'filter', hook: 'prerouting', priority: -300 }, [{ kind: 'notrack' }]);
  const pre = chain('pre', { type: 'nat', hook: 'prerouting', priority: -100 }, [
    { kind: 'dnat', family: 'ip', to: { kind: 'value', value: '10.2.0.9' } },
  ]);
  const reject = chain('forward', forward, [state('untracked'), { kind: 'reject', with: 'port-unreachable' }]);
  const { outcome, packet: last, steps } = host([table(raw, pre, reject)]).receive(packet);
  assert.deepEqual([outcome, last.daddr], ['rejected', '10.2.0.2']);
  assert.deepEqual(steps.at(-1)?.rejection, { protocol: 'icmp', name: 'port-unreachable', code: 3 });
});
