import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoomStatus } from '@podwire/kube';
import { serveAgent } from './agent-server.ts';

test('readiness says what is missing, and what keeps the agent from starting', async (t) => {
  let rooms: readonly RoomStatus[] = [];
  let unreadable: string[] = [];
  let mode: 'nftables' | undefined;
  const server = await serveAgent({
    ...{ address: '127.0.0.1', port: 0, version: '1.2.3', nodeName: 'node-1' },
    status: () => rooms,
    unreadable: () => unreadable,
    metrics: () => [{ name: 'own', type: 'gauge', help: 'Mine.', samples: () => [{ labels: {}, value: 7 }] }],
    proxyMode: () => mode,
  });
  t.after(() => server.close());
  const ask = async (path: string, method = 'GET'): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return `${answer.status} ${await answer.text()}`;
  };
  assert.equal(await ask('/readyz'), '503 the agent is starting: the rooms come up\n');
  unreadable = ['Node, Service: ECONNREFUSED 10.0.0.1:6443', 'Pod: not yours'];
  const starting =
    'the agent is starting: cannot read Node, Service: ECONNREFUSED 10.0.0.1:6443; cannot read Pod: not yours';
  assert.equal(await ask('/readyz'), `503 ${starting}\n`);
  unreadable = [];
  assert.equal(await ask('/livez'), '200 ok\n');
  const dns = { room: 'dns', ready: false, errors: ['port 53 is taken'], facts: {} };
  rooms = [dns, { room: 'fabric', ready: true, errors: [], facts: {} }];
  assert.equal(await ask('/healthz'), '503 dns: port 53 is taken\n');
  assert.equal(
    await ask('/readyz?verbose'),
    '503 [-]dns failed\n   port 53 is taken\n[+]fabric ok\n[+]api-server ok\n',
  );
  rooms = [{ ...dns, ready: true }];
  assert.equal(await ask('/readyz?verbose=1'), '200 [+]dns ok\n   port 53 is taken\n[+]api-server ok\n');
  assert.equal(await ask('/readyz?timeout=1s'), '200 ok\n');
  assert.equal(await ask('/other'), '404 there are /livez, /readyz, /healthz, /metrics, /proxyMode\n');
  assert.equal((await ask('/constructor')).slice(0, 3), '404');
  assert.equal(await ask('/proxyMode'), '404 no service proxy runs here\n');
  mode = 'nftables';
  assert.equal(await ask('/proxyMode'), '200 nftables');
  assert.match(
    await ask('/metrics'),
    /^podwire_api_server_readable 1$[\s\S]*^podwire_room_ready\{room="dns"\} 1$[\s\S]*^own 7$/m,
  );
  unreadable = ['Node, Service: ECONNREFUSED 10.0.0.1:6443'];
  assert.equal(await ask('/readyz'), '200 ok\n', 'traffic goes on');
  assert.match(
    await ask('/readyz?verbose'),
    /^200 [\s\S]*^\[-\]api-server failed\n {3}cannot read Node, Service: ECONNREFUSED 10\.0\.0\.1:6443\n$/m,
  );
  assert.match(await ask('/metrics'), /^podwire_api_server_readable 0$/m);
  assert.equal(await ask('/livez', 'POST'), '405 only GET is answered\n');
});
