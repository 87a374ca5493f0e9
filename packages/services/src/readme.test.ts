import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createLogger } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';
import { createServicesRoom } from './controller.ts';
import { CONNECTIONS } from './health-listener.ts';
import { LOOPBACK_FAMILIES, ROUTE_LOCALNET } from './loopback.ts';
import { planMode } from './mode-plan.ts';
import type { ServicesModel } from './model.ts';
import { plan } from './nftables/plan.ts';
import { createProxy, PROXY_MODES } from './proxy-modes.ts';
import { SET_NAMES } from './ruleset/sets.ts';
import type { ServicesContext } from './services-room.ts';
import { modelFromApi } from './snapshot.ts';

const directory = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(directory, 'README.md'), 'utf8');

test('the examples of the README print what they say', () => {
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  assert.equal(blocks.length, 1);
  for (const code of blocks) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
    assert.equal(
      execFileSync(process.execPath, flags, { cwd: directory, encoding: 'utf8' }),
      `${expected.join('\n')}\n`,
    );
  }
});

test('the picture of the README shows every base chain and set', () => {
  const empty = plan({
    cluster: { podCidrs: [], serviceCidrs: [] },
    node: { name: 'n', addresses: [], nodePortAddresses: [], podCidrs: [] },
    services: [],
    foreignAddresses: [],
  });
  const chains = (empty.tables[0]?.chains ?? []).filter(({ base }) => base).map(({ name }) => name);
  const constants = ['pod-cidrs', 'node-pod-cidrs', 'dropped', 'rejected'];
  const names = [...chains, ...SET_NAMES.filter((name) => !constants.includes(name))];
  assert.deepEqual(
    names.filter((name) => !readme.includes(name)),
    [],
  );
});

/** The cells of the table of the README with this first cell of its head: the rest of the head, and the rows by first cell. */
function tableOf(corner: string): Record<string, Record<string, string>> {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${corner} `));
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  const [, ...head] = cells(lines[start] ?? '');
  return Object.fromEntries(
    lines.slice(start + 2, end).map((line) => {
      const [name = '', ...row] = cells(line);
      return [name, Object.fromEntries(head.map((column, i) => [column, row[i] ?? '']))];
    }),
  );
}

test('the README says where node ports are at loopback addresses', () => {
  const rows = { '127.0.0.0/8': 'ipv4', '::1': 'ipv6' } as const;
  const expected = Object.entries(rows).map(([name, family]) => {
    const modes = Object.entries(LOOPBACK_FAMILIES);
    return [name, Object.fromEntries(modes.map(([mode, served]) => [mode, served.includes(family) ? 'yes' : 'no']))];
  });
  assert.deepEqual(tableOf('node ports at'), Object.fromEntries(expected));
});

test('the README says which mode can balance how', async () => {
  const words = ['random', 'round-robin', 'source-hash', 'maglev', 'least-connections'] as const;
  const modes = Object.keys(LOOPBACK_FAMILIES) as (keyof typeof LOOPBACK_FAMILIES)[];
  const expected: Record<string, Record<string, string>> = {};
  for (const balance of words) {
    const row: Record<string, string> = {};
    for (const mode of modes) {
      const problems = (await planMode(mode, annotated({ 'podwire.io/balance': balance }))).problems.join();
      row[mode] = problems === '' ? 'yes' : problems.includes('is for sockets') ? 'of sockets' : 'no';
    }
    expected[balance] = row;
  }
  assert.deepEqual(tableOf('balance'), expected);
});

test('the README says which mode has direct server return', async () => {
  const expected: Record<string, Record<string, string>> = { nat: {}, dsr: {} };
  for (const mode of PROXY_MODES)
    for (const [forwarding, row] of Object.entries(expected)) {
      const { problems } = await planMode(mode, annotated({ 'podwire.io/forwarding': forwarding }));
      row[mode] = problems.length === 0 ? 'yes' : 'no';
    }
  assert.deepEqual(tableOf('forwarding'), expected);
});

test('the README says what each mode writes', () => {
  const rows = tableOf('by');
  assert.deepEqual(Object.keys(rows), ['every mode', ...PROXY_MODES]);
  assert.ok(JSON.stringify(rows).includes(ROUTE_LOCALNET.replaceAll('/', '.')));
});

test('the README says what may be connected to a health port', () => {
  const { lifetime, most } = CONNECTIONS;
  assert.ok(readme.includes(`ends within ${lifetime / 1000} s, and of more than ${most} at one port the oldest`));
});

test('the README lists the facts of each mode', async () => {
  const config = { podCidrs: [], serviceCidrs: [] } as unknown as ClusterConfig;
  const context = {
    config,
    logger: createLogger({ level: 'error' }),
    runDirectory: '/nowhere',
    flows: { forget: () => {} },
    sockets: { cgroup: '/', bpffs: '/' },
  };
  const room = createServicesRoom({ ...context, nodeName: 'node-1' } as unknown as ServicesContext);
  const modes = new Map(Object.keys(room.status().facts).map((name): [string, string[]] => [name, [...PROXY_MODES]]));
  for (const mode of PROXY_MODES) {
    const proxy = await createProxy(mode, context);
    for (const name of Object.keys(proxy.facts())) modes.set(name, [...(modes.get(name) ?? []), mode]);
    await proxy.close();
  }
  const words = (list: string[]) => (list.length === PROXY_MODES.length ? 'all' : list.join(', '));
  assert.deepEqual(
    Object.fromEntries(Object.entries(tableOf('fact')).map(([name, row]) => [name, row.modes])),
    Object.fromEntries([...modes].map(([name, list]) => [`\`${name}\``, words(list)])),
  );
});

function annotated(annotations: Record<string, string>): ServicesModel {
  const node = {
    metadata: { name: 'node-1' },
    status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
  };
  return modelFromApi({
    services: [
      {
        metadata: { namespace: 'default', name: 'web', annotations },
        spec: { clusterIP: '10.96.0.20', externalIPs: ['198.51.100.7'], ports: [{ port: 80 }] },
      },
    ],
    slices: [],
    ...{ node, nodeName: 'node-1', podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] },
  });
}
