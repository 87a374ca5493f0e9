import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { parsePrefix, silentLogger } from '@podwire/base';
import { AttachmentTable } from './attachment-table.ts';
import { parseCniCall } from './cni-call.ts';
import type { CniVersion } from './cni-version.ts';
import { parseRecord } from './record.ts';
import { failure } from './result.ts';
import type { Dataplane, VerbsOptions } from './verbs.ts';
import { createVerbs } from './verbs.ts';

const CIDR = parsePrefix('10.244.1.0/29');
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'podwire-verbs-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A node whose kernel is a set of link names. */
function node(options: Partial<VerbsOptions> = {}) {
  const links = new Set<string>();
  let syncs = 0;
  const dataplane: Dataplane = {
    assertFree: () => {},
    wire: (a) => void links.add(a.hostLink),
    unwire: (link) => void links.delete(link),
    compare: (a) => (links.has(a.hostLink) ? [] : ['the host link is missing']),
    syncTables: () => void syncs++,
  };
  const table = new AttachmentTable(join(directory, 'pods.json'));
  table.setPodCidr(CIDR);
  const base = {
    table,
    dataplane,
    logger: silentLogger,
    podCidr: () => CIDR,
    wiring: 'ptp' as const,
    mtu: () => 1500,
    notReady: () => undefined,
  };
  const run = createVerbs({ ...base, ...options });
  const call = async (command: string, id: string, config: object = {}, env: object = {}) => {
    const stdin = { cniVersion: '1.1.0', name: 'podwire', ...config };
    const variables = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_IFNAME: 'eth0',
      CNI_NETNS: `/run/netns/${id}`,
      ...env,
    };
    const answer = await (async () => run(parseCniCall(variables, JSON.stringify(stdin))))().catch((error) =>
      failure('1.1.0', error),
    );
    return { exitCode: answer.exitCode, ...(answer.stdout && JSON.parse(answer.stdout)) };
  };
  return { table, links, call, syncs: () => syncs };
}

describe('ADD', () => {
  test('gives results in the form of each version', async () => {
    const { call } = node();
    for (const [i, cniVersion] of (['0.3.1', '0.4.0', '1.0.0', '1.1.0'] satisfies CniVersion[]).entries()) {
      const { exitCode, ...result } = await call('ADD', `c${i}`, { cniVersion, dns: { domain: 'x' } });
      const address = `10.244.1.${i + 2}/32`;
      const mtu = cniVersion === '1.1.0' ? { mtu: 1500 } : {};
      assert.equal(exitCode, 0);
      assert.match(result.interfaces[0].name, /^pwp[0-9a-f]{11}$/);
      assert.deepEqual(result, {
        cniVersion,
        interfaces: [
          { name: result.interfaces[0].name, mac: 'ee:ee:ee:ee:ee:ee', ...mtu },
          { name: 'eth0', mac: `0a:58:0a:f4:01:0${i + 2}`, ...mtu, sandbox: `/run/netns/c${i}` },
        ],
        ips: [{ ...(cniVersion < '1' ? { version: '4' } : {}), interface: 1, address, gateway: '169.254.1.1' }],
        routes: [{ dst: '0.0.0.0/0', gw: '169.254.1.1' }],
        dns: { domain: 'x' },
      });
    }
  });

  test('of a bridge port names the bridge and the length of the podCIDR', async () => {
    const { call } = node({ wiring: 'bridge' });
    const result = await call('ADD', 'a');
    const names = result.interfaces.map((i: { name: string }) => i.name.slice(0, 3));
    assert.deepEqual(names, ['cni', 'pwp', 'eth']);
    assert.deepEqual(result.ips, [{ interface: 2, address: '10.244.1.2/29', gateway: '10.244.1.1' }]);
  });

  test('twice for one interface fails and changes nothing', async () => {
    const { call, table } = node();
    await call('ADD', 'a');
    assert.equal((await call('ADD', 'a')).code, 101);
    assert.equal(table.facts()?.used, 1);
  });

  test('grants a requested address or names its holder', async () => {
    const { call } = node();
    assert.equal(
      (await call('ADD', 'a', { runtimeConfig: { ips: ['10.244.1.5/24'] } })).ips[0].address,
      '10.244.1.5/32',
    );
    const taken = await call('ADD', 'b', {}, { CNI_ARGS: 'IP=10.244.1.5' });
    assert.equal(taken.code, 105);
    assert.match(taken.msg, /held by a\/eth0/);
    assert.equal((await call('ADD', 'b', { runtimeConfig: { ips: ['10.244.1.1'] } })).code, 105);
    assert.equal((await call('ADD', 'b', { runtimeConfig: { ips: ['fd00::1'] } })).code, 2);
  });

  test('says try again when the pool is empty, with its numbers', async () => {
    const { call } = node();
    for (let i = 0; i < 5; i++) assert.equal((await call('ADD', `c${i}`)).exitCode, 0);
    const full = await call('ADD', 'more');
    assert.deepEqual([full.code, /5 of 5/.test(full.msg)], [11, true]);
    await call('DEL', 'c3');
    assert.equal((await call('ADD', 'more')).ips[0].address, '10.244.1.5/32');
  });

  test('waits for policy and is rolled back when that fails', async () => {
    const seen: string[] = [];
    const { call, table, links } = node({
      podReady: async ({ identity, address }) => {
        seen.push(`${identity?.namespace}/${identity?.name} ${address}`);
        if (identity?.name === 'bad') throw new Error('no policy');
      },
    });
    const args = (name: string) => ({ CNI_ARGS: `K8S_POD_NAMESPACE=ns;K8S_POD_NAME=${name};K8S_POD_UID=u` });
    assert.equal((await call('ADD', 'a', {}, args('good'))).exitCode, 0);
    assert.equal((await call('ADD', 'b', {}, args('bad'))).exitCode, 1);
    assert.deepEqual(seen, ['ns/good 10.244.1.2', 'ns/bad 10.244.1.3']);
    assert.deepEqual([table.list().length, links.size, table.facts()?.used], [1, 1, 1]);
    const stuck = node({ podReady: () => new Promise(() => {}), podReadyTimeout: 20 });
    assert.equal((await stuck.call('ADD', 'a')).code, 11);
  });

  test('is refused while the node has no podCIDR or is not ready', async () => {
    assert.equal((await node({ podCidr: () => undefined }).call('ADD', 'a')).code, 11);
    const { call } = node({ notReady: () => 'starting' });
    assert.deepEqual([(await call('ADD', 'a')).code, (await call('STATUS', 'a')).code], [11, 50]);
  });

  test('host ports are unique for (hostIP, protocol, port), 0.0.0.0 being all', async () => {
    const { call } = node();
    const ask = async (id: string, hostPort: number, hostIP?: string, protocol = 'TCP') =>
      (await call('ADD', id, { runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol, hostIP }] } }))
        .code;
    assert.equal(await ask('a', 8080, '172.30.0.11'), undefined);
    assert.equal(await ask('b', 8080, '172.30.0.12'), undefined);
    assert.equal(await ask('c', 8080, '172.30.0.11', 'udp'), undefined);
    assert.equal(await ask('d', 8080), 100);
    assert.equal(await ask('d', 8080, '0.0.0.0', 'icmp'), 2);
    assert.equal(await ask('d', 8080, '::', 'udp'), 100);
    assert.equal(await ask('d', 70_000), 2);
  });
});

describe('DEL, CHECK, GC', () => {
  test('DEL is idempotent, works without a namespace, and frees address and record', async () => {
    const { call, table, links } = node();
    await call('ADD', 'a');
    assert.equal((await call('DEL', 'a', {}, { CNI_NETNS: '' })).exitCode, 0);
    assert.equal((await call('DEL', 'a')).exitCode, 0);
    assert.equal((await call('DEL', 'never')).exitCode, 0);
    assert.deepEqual([table.list().length, links.size, table.facts()?.used], [0, 0, 0]);
    const record = parseRecord(readFileSync(join(directory, 'pods.json'), 'utf8'));
    assert.deepEqual(record, { attachments: [], released: ['10.244.1.2'] });
  });

  test('CHECK passes what ADD made and fails on any difference', async () => {
    const { call, links } = node();
    const prevResult = await call('ADD', 'a');
    assert.equal((await call('CHECK', 'a', { prevResult })).exitCode, 0);
    assert.equal((await call('CHECK', 'a', { prevResult: { ips: [{ address: '10.244.1.9/32' }] } })).code, 102);
    assert.equal((await call('CHECK', 'b', { prevResult })).code, 102);
    links.clear();
    assert.match((await call('CHECK', 'a', { prevResult })).msg, /host link is missing/);
    assert.equal((await call('CHECK', 'a', { prevResult, disableCheck: true })).exitCode, 0);
  });

  test('GC frees what is not valid, of its own network only', async () => {
    const { call, table } = node();
    for (const id of ['a', 'b']) await call('ADD', id);
    await call('ADD', 'c', { name: 'other' });
    const valid = { 'cni.dev/valid-attachments': [{ containerID: 'b', ifname: 'eth0' }] };
    assert.equal((await call('GC', '', { ...valid, disableGC: true })).exitCode, 0);
    assert.equal(table.list().length, 3);
    assert.equal((await call('GC', '', valid)).exitCode, 0);
    assert.deepEqual(
      table.list().map((a) => a.containerId),
      ['b', 'c'],
    );
    assert.equal((await call('GC', '')).code, 6);
  });

  test('a burst of ADD and DEL ends with nothing held', async () => {
    const { call, table } = node();
    const one = async (id: string) => [await call('ADD', id), await call('DEL', id)].map((a) => a.exitCode);
    assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd', 'e'].map(one)), Array(5).fill([0, 0]));
    assert.equal(table.facts()?.used, 0);
  });
});
