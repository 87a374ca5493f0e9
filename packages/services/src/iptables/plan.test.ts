import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Family, Prefix } from '@podwire/base';
import { type EndpointSlice, type Node, parseManifests, type Service } from '@podwire/kube';
import fc from 'fast-check';
import { describeEntry } from '../entry.ts';
import type { ServiceModel, ServicesModel } from '../model.ts';
import { modelFromApi } from '../snapshot.ts';
import { type Chains, compareChains, rulesOf } from './chain-change.ts';
import { FakeIptables } from './fake-iptables.fixture.ts';
import { BALANCES, limitsOf } from './limits.ts';
import { type Desired, plan } from './plan.ts';
import { restoreText } from './restore-text.ts';
import { rule } from './rule.ts';
import { parseSaved } from './saved.ts';

const CASES = new URL('../nftables/testdata/', import.meta.url);
const NAMES = ['dual-stack', 'left-alone', 'local-policy', 'mixed'];

/** The model for node-1 of the objects in a case's input.yaml, which are those of mode nftables. */
function caseModel(name: string): ServicesModel {
  const text = readFileSync(new URL(`${name}/input.yaml`, CASES), 'utf8');
  const objects = parseManifests(text, name).map(({ object }) => object as { kind: string });
  const kind = <T>(wanted: string): T[] => objects.filter((object) => object.kind === wanted) as T[];
  return modelFromApi({
    services: kind<Service>('Service'),
    slices: kind<EndpointSlice>('EndpointSlice'),
    node: kind<Node>('Node')[0],
    nodeName: 'node-1',
    podCidrs: ['10.244.0.0/16', 'fd00:244::/32'],
    serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'],
  });
}

const change = (before: Chains, after: Chains) => restoreText(compareChains(before, after));
const whole = ({ chains }: Pick<Desired, 'chains'>): string => change(new Map(), chains).texts.join('');

function golden(desired: Desired): string {
  const lines = desired.entries.map((entry) => `# ${describeEntry(entry, BALANCES)}\n#   ${entry.why}\n`);
  return `${whole(desired)}${lines.join('')}${desired.problems.map((line) => `# ! ${line}\n`).join('')}`;
}

for (const name of NAMES)
  test(`golden rules: ${name}`, () => {
    const actual = (['ipv4', 'ipv6'] as const).map((family) => golden(plan(caseModel(name), family))).join('\n');
    const file = new URL(`testdata/${name}.rules`, import.meta.url);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });

test('the plan does not depend on the order of objects', () => {
  const model = caseModel('mixed');
  assert.deepEqual(plan({ ...model, services: [...model.services].reverse() }, 'ipv4'), plan(model, 'ipv4'));
});

/** Anything, in case the API server lets it through. */
/** Any code point that is a character; as a unit of its own, for fast-check's "binary" makes a table of all of them first. */
const character = fc.nat(0x10_f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
const hostile = fc.oneof(
  fc.string({ unit: character, maxLength: 300 }),
  fc.constantFrom('"', "it's", '\\', 'a" -j ACCEPT', 'x\nCOMMIT', '-j', '$(reboot)', '\0', '; rm -rf /'),
);
const pod = fc.integer({ min: 2, max: 5 }).chain((last) =>
  fc.record({
    address: fc.constantFrom(`10.244.1.${last}`, `fd00:244:1::${last}`),
    port: fc.constantFrom(80, 8080),
    ready: fc.boolean(),
    fallback: fc.boolean(),
    local: fc.boolean(),
    maybeLocal: fc.constant(true),
    weight: fc.constantFrom(1, 3),
  }),
);
const service = (name: fc.Arbitrary<string>): fc.Arbitrary<ServiceModel> =>
  fc
    .record({
      namespace: name,
      name,
      number: fc.integer({ min: 1, max: 9 }),
      affinitySeconds: fc.constantFrom(0, 60),
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
      ranges: fc.constantFrom(undefined, [], ['203.0.113.0/24', '2001:db8::/64']),
      portName: name,
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
      nodePort: fc.constantFrom(undefined, 30_001, 30_002),
      balance: fc.constantFrom('random' as const, 'round-robin' as const),
      endpoints: fc.uniqueArray(pod, { maxLength: 4, selector: ({ address, port }) => `${address} ${port}` }),
    })
    .map(
      ({ number, ranges, portName, protocol, nodePort, endpoints, ...rest }) =>
        ({
          ...rest,
          clusterAddresses: [`10.96.0.${number}`, `fd00:96::${number}`],
          externalAddresses: [`198.51.100.${number}`],
          loadBalancerAddresses: [`198.51.100.${number + 100}`, `2001:db8:1::${number}`],
          ...(ranges && { sourceRanges: ranges }),
          ports: [{ name: portName, protocol, port: 80, ...(nodePort && { nodePort }), endpoints }],
        }) as unknown as ServiceModel,
    );
const modelOf = (services: readonly ServiceModel[]): ServicesModel => ({
  cluster: {
    podCidrs: ['10.244.0.0/16', 'fd00:244::/32'] as unknown as Prefix[],
    serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'] as unknown as Prefix[],
  },
  node: {
    name: 'node-1',
    addresses: ['172.30.0.11', 'fd00:30::11'] as never,
    nodePortAddresses: ['172.30.0.11', 'fd00:30::11'] as never,
    podCidrs: ['10.244.1.0/24'] as unknown as Prefix[],
  },
  services,
  foreignAddresses: [],
});
const services = (name: fc.Arbitrary<string>, maxLength = 5): fc.Arbitrary<ServiceModel[]> =>
  fc.uniqueArray(service(name), { maxLength, selector: (one) => `${one.namespace}/${one.name}` });
const families = fc.constantFrom<Family>('ipv4', 'ipv6');

/** Every rule as the arguments the program would see, without comments and hashes; in no order, for chains come by name. */
function shape({ chains }: Desired): string[] {
  const fake = new FakeIptables();
  fake.restore(whole({ chains }));
  const lines = [...fake.tokens()].flatMap(([id, rules]) =>
    rules.map((args) => {
      const bare = args.filter((_, i) => args[i - 1] !== '--comment');
      for (const comment of args.filter((_, i) => args[i - 1] === '--comment'))
        assert.match(comment, /^[\x20-\x7e]{1,120}$/);
      return [id, ...bare].join(' ').replace(/-[A-Z2-7]{16}\b/g, '');
    }),
  );
  return lines.sort();
}

test('whatever the names, they stay inside the comments of rules', () => {
  fc.assert(
    fc.property(services(hostile), families, (list, family) => {
      const tame = list.map((one, i) => ({
        ...one,
        namespace: 'n',
        name: `s${i}`,
        ports: one.ports.map((port) => ({ ...port, name: 'p' })),
      }));
      // who has an address goes by name, so nobody may want another's
      const apart = (all: readonly ServiceModel[]) => all.map((one, i) => withAddresses(one, i));
      assert.deepEqual(shape(plan(modelOf(apart(list)), family)), shape(plan(modelOf(apart(tame)), family)));
    }),
    { numRuns: 200 },
  );
});

function withAddresses(service: ServiceModel, i: number): ServiceModel {
  const own = (net: string, net6: string) => [`${net}.${i + 1}`, `${net6}::${i + 1}`] as never;
  return {
    ...service,
    clusterAddresses: own('10.96.0', 'fd00:96'),
    externalAddresses: own('198.51.100', '2001:db8:1'),
    loadBalancerAddresses: own('198.51.101', '2001:db8:2'),
    ports: service.ports.map((port) => ({ ...port, ...(port.nodePort && { nodePort: 30_000 + i }) })),
  };
}

test('from any state to any other: the text does it, and no rule leads to a chain that is not there', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(
      fc.array(services(name, 8), { minLength: 2, maxLength: 4 }),
      families,
      fc.constantFrom(undefined, 3),
      (states, family, pieces) => {
        const fake = new FakeIptables();
        let before: Chains = new Map();
        for (const list of [...states, undefined]) {
          const after: Chains = list ? plan(modelOf(list), family).chains : new Map();
          for (const text of restoreText(compareChains(before, after), pieces).texts) fake.restore(text);
          const { chains } = parseSaved(fake.save());
          assert.deepEqual(sorted(chains), sorted(after));
          assert.deepEqual(change(chains, after).texts, []);
          before = after;
        }
      },
    ),
    { numRuns: 100 },
  );
});

const sorted = (chains: Chains) => [...chains].sort(([a], [b]) => (a < b ? -1 : 1));

test('a long chain is changed by lines, not written anew', () => {
  const lines = Array.from({ length: 1_000 }, (_, i) => `-A KUBE-SERVICES -d 10.96.${i >> 8}.${i & 255}/32 -j DROP`);
  const without = lines.filter((_, i) => i !== 500);
  const id = 'nat KUBE-SERVICES';
  const less = change(new Map([[id, lines.join('\n')]]), new Map([[id, without.join('\n')]]));
  assert.deepEqual(less, { texts: [`*nat\n-D KUBE-SERVICES -d 10.96.1.244/32 -j DROP\nCOMMIT\n`], commands: 1 });
  const more = change(new Map([[id, without.join('\n')]]), new Map([[id, lines.join('\n')]]));
  assert.deepEqual(more, { texts: [`*nat\n-I KUBE-SERVICES 501 -d 10.96.1.244/32 -j DROP\nCOMMIT\n`], commands: 1 });
});

test('of two rules that are the same, iptables would delete the first one: the chain is written anew', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `-A KUBE-SERVICES -d 10.96.0.${i}/32 -j DROP`);
  const twins = [...lines, '-A KUBE-SERVICES -d 10.96.0.5/32 -j DROP', '-A KUBE-SERVICES -j RETURN'];
  const id = 'nat KUBE-SERVICES';
  const { texts } = change(
    new Map([[id, twins.join('\n')]]),
    new Map([[id, [...lines, '-A KUBE-SERVICES -j RETURN'].join('\n')]]),
  );
  assert.match(texts.join(''), /^\*nat\n:KUBE-SERVICES - \[0:0\]\n-A /);
});

test("what iptables-save prints of others' rules is none of ours", () => {
  const text = [
    '*mangle',
    ':KUBE-IPTABLES-HINT - [0:0]',
    '*nat',
    ':PREROUTING ACCEPT [3:180]',
    ':KUBE-SVC-TOOSHORT - [0:0]',
    ':KUBE-MARK-MASQ - [0:0]',
    '-A PREROUTING -m comment --comment "podwire: service portals" -j KUBE-SERVICES',
    '-A PREROUTING -m comment --comment "not podwire: x" -j DOCKER',
    '-A CNI-X -s 10.0.0.1/32 -j KUBE-MARK-MASQ',
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    'COMMIT',
    '# Warning: something',
    '',
  ].join('\n');
  assert.deepEqual(parseSaved(text), {
    chains: new Map([
      ['nat KUBE-MARK-MASQ', '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000'],
      ['nat PREROUTING', '-A PREROUTING -m comment --comment "podwire: service portals" -j KUBE-SERVICES'],
    ]),
    wanted: new Set(['nat KUBE-MARK-MASQ']),
    rules: 4,
    hinted: true,
  });
});

test('comments are quoted as iptables-save quotes them', () => {
  const comment = (text: string): string =>
    /^-m comment --comment (.*) -j X$/.exec(rule({ comment: text, jump: 'X' }))?.[1] ?? '';
  assert.deepEqual(['plain-1_x', 'a b', 'ns/name:port', `it's "\\`].map(comment), [
    'plain-1_x',
    '"a b"',
    '"ns/name:port"',
    `"it\\'s \\"\\\\"`,
  ]);
});

test('shares follow weights; round robin takes turns', () => {
  const endpoint = (last: number, weight: number) => ({ address: `10.244.1.${last}`, port: 80, ready: true, weight });
  const base = {
    namespace: 'a',
    name: 'b',
    clusterAddresses: ['10.96.0.1'],
    externalAddresses: [],
    loadBalancerAddresses: [],
    affinitySeconds: 0,
  };
  const endpoints = [endpoint(1, 1), endpoint(2, 2), endpoint(3, 1)];
  const one = { ...base, ports: [{ name: '', protocol: 'tcp', port: 80, endpoints }] };
  const draws = (extra: object): string[] => {
    const { chains } = plan(modelOf([{ ...one, ...extra } as unknown as ServiceModel]), 'ipv4');
    const [, rules = ''] = [...chains].find(([id]) => id.includes('KUBE-SVC-')) ?? [];
    return rulesOf(rules)
      .map((line) => /--mode (.*) -j/.exec(line)?.[1] ?? '')
      .slice(1);
  };
  assert.deepEqual(draws({}), ['random --probability 0.25000000000', 'random --probability 0.66666666651', '']);
  assert.deepEqual(draws({ balance: 'round-robin' }), ['nth --every 3 --packet 0', 'nth --every 2 --packet 0', '']);
});

test('a service reads as people know it from kube-proxy: chosen at random, or by the address of the client', () => {
  const endpoints = ['10.244.1.2', '10.244.2.3'].map((address) => ({ address, port: 6443, ready: true }));
  const ports = [{ name: 'https', protocol: 'tcp', port: 443, nodePort: 30_443, endpoints }];
  const lines = (affinitySeconds: number): string[] => {
    const addresses = { clusterAddresses: ['10.96.0.1'], externalAddresses: [], loadBalancerAddresses: [] };
    const one = { namespace: 'default', name: 'kubernetes', ...addresses, affinitySeconds, ports };
    const { chains } = plan(modelOf([one as unknown as ServiceModel]), 'ipv4');
    const rules = [...chains].filter(([id]) => /^nat KUBE-(SERVICES|NODEPORTS|SVC|SEP|EXT)/.test(id));
    const letters = new Map<string, string>();
    const letter = (name: string) => letters.get(name) ?? letters.set(name, 'ABCD'[letters.size] ?? '').get(name) ?? '';
    return rules.flatMap(([, text]) => rulesOf(text)).map((line) => line.replaceAll(/(?<=-)[A-Z2-7]{16}\b/g, letter));
  };
  const comment = '-m comment --comment "default/kubernetes:https';
  const address = `-d 10.96.0.1/32 -p tcp ${comment} cluster IP" -m tcp --dport 443`;
  const mask = '--mask 255.255.255.255 --rsource';
  const known = (chain: string): string => `-m recent --rcheck --seconds 10800 --reap --name ${chain} ${mask}`;
  const endpoint = (chain: string, ip: string, set = ''): string[] => [
    `-A ${chain} -s ${ip}/32 ${comment}" -j KUBE-MARK-MASQ`,
    `-A ${chain} -p tcp ${comment}" ${set}-m tcp -j DNAT --to-destination ${ip}:6443`,
  ];
  const first = [
    `-A KUBE-SERVICES ${address} -j KUBE-SVC-A`,
    '-A KUBE-SERVICES -d 172.30.0.11/32 -m comment --comment "node ports" -j KUBE-NODEPORTS',
    `-A KUBE-NODEPORTS -p tcp ${comment}" -m tcp --dport 30443 -j KUBE-EXT-A`,
    `-A KUBE-SVC-A ! -s 10.244.0.0/16 ${address} -j KUBE-MARK-MASQ`,
  ];
  const draw = [
    `-A KUBE-SVC-A ${comment} -> 10.244.1.2:6443" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-B`,
    `-A KUBE-SVC-A ${comment} -> 10.244.2.3:6443" -j KUBE-SEP-C`,
  ];
  const outside = [
    '-A KUBE-EXT-A -m comment --comment "masquerade traffic for default/kubernetes:https external destinations" -j KUBE-MARK-MASQ',
    '-A KUBE-EXT-A -j KUBE-SVC-A',
  ];
  assert.deepEqual(lines(0), [
    ...[...first, ...draw, ...endpoint('KUBE-SEP-B', '10.244.1.2'), ...endpoint('KUBE-SEP-C', '10.244.2.3')],
    ...outside,
  ]);
  const set = (chain: string): string => `-m recent --set --name ${chain} ${mask} `;
  assert.deepEqual(lines(10_800), [
    ...first,
    `-A KUBE-SVC-A ${comment} -> 10.244.1.2:6443" ${known('KUBE-SEP-B')} -j KUBE-SEP-B`,
    `-A KUBE-SVC-A ${comment} -> 10.244.2.3:6443" ${known('KUBE-SEP-C')} -j KUBE-SEP-C`,
    ...draw,
    ...endpoint('KUBE-SEP-B', '10.244.1.2', set('KUBE-SEP-B')),
    ...endpoint('KUBE-SEP-C', '10.244.2.3', set('KUBE-SEP-C')),
    ...outside,
  ]);
});

test('what the mode cannot do is told', () => {
  const one = { namespace: 'a', name: 'b', ports: [] };
  const list = [one, { ...one, balance: 'round-robin' }, { ...one, balance: 'maglev' }] as unknown as ServiceModel[];
  const { node } = modelOf([]);
  const loopback = { ...node, nodePortAddresses: ['127.0.0.1', '::1', '172.30.0.11'] as never };
  assert.deepEqual(limitsOf(list, loopback), [
    'node ports are not at ::1 in mode iptables; take it out of nodePortAddresses',
    'Service a/b: balance maglev is not in mode iptables, so it is random; choose another',
  ]);
});

test('node ports at loopback addresses are for the node alone', () => {
  const nodePortAddresses = ['127.0.0.1', '::1', '172.30.0.11'] as never;
  const { node } = modelOf([]);
  const lines = (family: 'ipv4' | 'ipv6') =>
    whole(plan({ ...modelOf([]), node: { ...node, nodePortAddresses } }, family))
      .split('\n')
      .filter((line) => /127\.|::1/.test(line));
  const wire = '-m comment --comment "podwire: loopback addresses are not for the wire"';
  assert.deepEqual(lines('ipv4'), [
    `-I INPUT 1 -s 127.0.0.0/8 ! -i lo ${wire} -j DROP`,
    `-I INPUT 2 -d 127.0.0.0/8 ! -i lo ${wire} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
    `-I FORWARD 1 -s 127.0.0.0/8 ! -i lo ${wire} -j DROP`,
    '-I OUTPUT 2 -d 127.0.0.1/32 -m comment --comment "podwire: node ports" -j KUBE-NODEPORTS',
  ]);
  assert.deepEqual(lines('ipv6'), []);
});
