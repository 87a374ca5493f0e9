import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Node } from '@podwire/kube';
import { restBench } from '../core/rest.fixture.ts';
import { openPki } from '../surface/index.ts';
import { FakePods } from '../testing/fake-pods.ts';

async function portOf<T extends Server>(t: TestContext, server: T): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function nodeBench(t: TestContext, status: Node['status'] = {}, streams: FakePods | undefined = new FakePods()) {
  const bench = await restBench(t, streams ? { streams } : {});
  const addresses = [{ type: 'InternalIP', address: '192.0.2.7' }];
  await bench.client.create('Node', { metadata: { name: 'n' }, status: { addresses, ...status } });
  return bench;
}

test('without a port the kubelet of a node is asked, over TLS', async (t) => {
  const { serving } = await openPki({ names: ['kubelet'] });
  const kubelet = https.createServer(serving, ({ method, url }, response) => response.end(`${method} ${url}`));
  const port = await portOf(t, kubelet);
  const { ask } = await nodeBench(t, { daemonEndpoints: { kubeletEndpoint: { Port: port } } });
  for (const name of ['n', `n:${port}`, `https:n:${port}`])
    assert.equal((await ask(`GET /api/v1/nodes/${name}/proxy/pods?a=b`)).text, 'GET /pods?a=b', name);
});

test('other ports are what they are asked for as', async (t) => {
  const port = await portOf(
    t,
    http.createServer(({ url }, response) => response.end(`plain ${url}`)),
  );
  const { ask } = await nodeBench(t);
  assert.equal((await ask(`GET /api/v1/nodes/n:${port}/proxy/metrics`)).text, 'plain /metrics');
  assert.equal((await ask(`GET /api/v1/nodes/http:n:${port}/proxy/`)).text, 'plain /');
});

test('a node without a kubelet, and one that is not reached, say so', async (t) => {
  const { ask } = await nodeBench(t);
  const outcome = async (name: string) => {
    const { code, body } = await ask(`GET /api/v1/nodes/${name}/proxy/healthz`);
    return [code, body.message];
  };
  const failed = 'error trying to reach service:';
  assert.deepEqual(await outcome('n'), [
    503,
    `${failed} node n runs no kubelet: status.daemonEndpoints.kubeletEndpoint is not set`,
  ]);
  // Nobody listens at port 1.
  assert.deepEqual(await outcome('n:1'), [503, `${failed} dial tcp 192.0.2.7:1: connect: connection refused`]);
  assert.deepEqual(await outcome('none'), [404, 'nodes "none" not found']);
  assert.deepEqual(await outcome('n:x'), [400, 'invalid node request: "x" is no port']);
  assert.deepEqual(await outcome('ftp:n:1'), [400, 'invalid node request "ftp:n:1"']);
});

test('roles speak of nodes/proxy', async (t) => {
  const { ask, client } = await nodeBench(t);
  const rules = [{ apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] }];
  await client.create('ClusterRole', { metadata: { name: 'r' }, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' };
  const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }];
  await client.create('ClusterRoleBinding', { metadata: { name: 'r' }, roleRef, subjects });
  const may = async (verb: string) => {
    const resourceAttributes = { verb, resource: 'nodes', subresource: 'proxy', name: 'n' };
    const spec = { user: 'jane', resourceAttributes };
    return (await ask('POST /apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })).body.status.allowed;
  };
  assert.deepEqual([await may('get'), await may('create')], [true, false]);
});
