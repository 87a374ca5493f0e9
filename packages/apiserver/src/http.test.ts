import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { type ConfigMap, createInformers, createKubeClient, type KubeClient } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';

const OPTIONS: ApiServerOptions = { serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] };
const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace: 'default' },
  data,
});

interface Bench {
  readonly directory: string;
  readonly socketPath: string;
  readonly server: ApiServer;
  readonly client: KubeClient;
}

async function bench(t: TestContext, options: ApiServerOptions = OPTIONS): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-api-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer(options);
  await server.listenUnix(socketPath);
  const client = createKubeClient({ socketPath });
  t.after(async () => {
    client.close();
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { directory, socketPath, server, client };
}

interface Raw {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Status & Record<string, unknown>;
}

/** HTTP/1.1 with any body. */
function raw(
  socketPath: string,
  method: string,
  url: string,
  { body, type }: { body?: string | Buffer; type?: string } = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const request = http.request({ socketPath, method, path: url, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';
const JSON_TYPE = 'application/json';

test('the client does over HTTP what it does in process', async (t) => {
  const { client, server } = await bench(t);
  const key = { namespace: 'default', name: 'a' };
  const created = await client.create('ConfigMap', configMap('a', { x: '1' }));
  assert.equal(created.apiVersion, 'v1');
  assert.deepEqual(await client.get('ConfigMap', key), await server.client().get('ConfigMap', key));
  assert.equal(await client.get('ConfigMap', { namespace: 'default', name: 'none' }), undefined);
  const patched = await client.patch('ConfigMap', key, { data: { y: '2' } });
  assert.deepEqual(patched.data, { x: '1', y: '2' });
  await assert.rejects(client.update('ConfigMap', created), { code: 'KUBE_CONFLICT' });
  await assert.rejects(client.create('ConfigMap', configMap('A_b')), {
    code: 'KUBE_INVALID',
    message: /metadata\.name: Invalid value: "A_b"/,
  });
  const listed = await client.list('ConfigMap', { namespace: 'default', fieldSelector: 'metadata.name=a' });
  assert.deepEqual(listed.items, [patched]);
  assert.equal(await client.delete('ConfigMap', key), true);
  assert.equal(await client.delete('ConfigMap', key), false);
});

test('Status, words and codes are those of the Kubernetes API server', async (t) => {
  const { socketPath } = await bench(t);
  const ask = (method: string, url: string, body?: string, type = JSON_TYPE) =>
    raw(socketPath, method, url, body === undefined ? {} : { body, type });
  const missing = await ask('GET', '/apis/apps/v1/namespaces/default/deployments/none');
  assert.deepEqual(
    [missing.status, missing.body],
    [
      404,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'deployments.apps "none" not found',
        reason: 'NotFound',
        details: { name: 'none', group: 'apps', kind: 'deployments' },
        code: 404,
      },
    ],
  );
  const cases: [Promise<Raw>, number, string][] = [
    [ask('GET', '/apis/nothing/v1/things'), 404, 'the server could not find the requested resource'],
    [
      ask('POST', '/api/v1/namespaces/none/configmaps', '{"metadata":{"name":"a"}}'),
      404,
      'namespaces "none" not found',
    ],
    [
      ask('POST', CONFIGMAPS, '{"kind":"Pod","metadata":{"name":"a"}}'),
      400,
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (Pod) to (ConfigMap): unknown conversion',
    ],
    [
      ask('POST', CONFIGMAPS, '{"metadata":{"name":"a","namespace":"other"}}'),
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      ask('POST', `${CONFIGMAPS}?fieldValidation=Strict`, '{"metadata":{"name":"a"},"dta":{}}'),
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
    ],
    [
      ask('PATCH', `${CONFIGMAPS}/a`, '{}', 'text/plain'),
      415,
      'the body of the request was in an unknown format - accepted media types include: application/merge-patch+json, application/strategic-merge-patch+json, application/json-patch+json, application/apply-patch+yaml',
    ],
    ...(['POST', 'PUT'] as const).map((method): [Promise<Raw>, number, string] => [
      ask(method, method === 'PUT' ? `${CONFIGMAPS}/a` : CONFIGMAPS, '{"metadata":{"name":"a"}}', 'text/plain'),
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ]),
    [ask('PUT', '/api/v1/namespaces', '{}'), 405, 'the server does not allow this method on the requested resource'],
    [
      ask('GET', `${CONFIGMAPS}?labelSelector=a%3D%3D%3Db`),
      400,
      "unable to parse requirement: found '=', expected: identifier",
    ],
    [ask('GET', `${CONFIGMAPS}?fieldSelector=data.x%3D1`), 400, 'field label not supported: data.x'],
    [ask('GET', `${CONFIGMAPS}?continue=rubbish`), 400, 'continue key is not valid'],
    [
      ask('DELETE', '/api/v1/namespaces/default'),
      403,
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ],
  ];
  for (const [answer, status, message] of cases) {
    const { status: got, body } = await answer;
    assert.deepEqual(
      [got, body.kind, body.status, body.message, body.code],
      [status, 'Status', 'Failure', message, status],
    );
  }
});

test('hostile bodies are refused and change nothing', async (t) => {
  const { socketPath, client } = await bench(t);
  const post = (body: string | Buffer, type = JSON_TYPE) => raw(socketPath, 'POST', CONFIGMAPS, { body, type });
  assert.equal((await post('{"metadata":')).status, 400);
  assert.equal((await post('[]')).status, 400);
  assert.equal((await post('')).status, 400);
  assert.equal((await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).status, 400);
  assert.equal((await post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).status, 400);
  assert.equal((await post('{"metadata":{"name":"a"},"__proto__":{"polluted":1}}')).status, 400);
  assert.equal((await post('{"metadata":5}')).status, 400);
  assert.equal((await post('{"metadata":{"name":{"x":1}}}')).status, 400);
  assert.equal((await post('{"metadata":{"generateName":7}}')).status, 400);
  assert.equal((await post(`{"metadata":{"name":"a"},"data":{"x":"${'y'.repeat(3 * 1024 * 1024)}"}}`)).status, 413);
  assert.equal((await post('a: &a [*a]', 'application/yaml')).status, 400);
  assert.equal((await raw(socketPath, 'GET', '/api/v1/namespaces/%zz/pods')).status, 400);
  assert.equal((await raw(socketPath, 'GET', '//api//v1')).status, 404);
  assert.deepEqual((await client.list('ConfigMap')).items, []);
});

test('YAML bodies, warnings and dry runs', async (t) => {
  const { socketPath, client } = await bench(t);
  const yaml = 'metadata: {name: a}\ndata: {x: "1"}\nunknown: 1\n';
  const warned = await raw(socketPath, 'POST', `${CONFIGMAPS}?dryRun=All`, { body: yaml, type: 'application/yaml' });
  assert.equal(warned.status, 201);
  assert.equal(warned.headers.warning, '299 - "unknown field \\"unknown\\""');
  assert.equal(await client.get('ConfigMap', { namespace: 'default', name: 'a' }), undefined);
});

test('lists come in pages of one revision', async (t) => {
  const { socketPath, client } = await bench(t);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create('ConfigMap', configMap(name));
  const names: string[] = [];
  let token = '';
  const revisions = new Set<unknown>();
  do {
    const { body } = await raw(socketPath, 'GET', `${CONFIGMAPS}?limit=2&continue=${token}`);
    const { metadata, items } = body as unknown as {
      metadata: { continue?: string; resourceVersion: string };
      items: ConfigMap[];
    };
    names.push(...items.map((item) => item.metadata?.name ?? ''));
    revisions.add(metadata.resourceVersion);
    token = metadata.continue ?? '';
    // Later changes do not show on later pages.
    await client.delete('ConfigMap', { namespace: 'default', name: 'e' });
    if (token) await client.create('ConfigMap', configMap(`b${names.length}`));
  } while (token);
  assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
  assert.equal(revisions.size, 1);
});

test('a watch shows changes in order and only what is selected', async (t) => {
  const { client } = await bench(t);
  const { resourceVersion } = await client.list('ConfigMap');
  const seen: string[] = [];
  const stop = new AbortController();
  const enough = Promise.withResolvers<void>();
  const watching = client.watch(
    'ConfigMap',
    { resourceVersion, labelSelector: 'app=x', signal: stop.signal },
    ({ type, object }) => {
      seen.push(`${type} ${object.metadata?.name}`);
      if (object.metadata?.name === 'last') enough.resolve();
    },
  );
  const labelled = (name: string, app: string): ConfigMap => ({
    metadata: { name, namespace: 'default', labels: { app } },
  });
  await client.create('ConfigMap', labelled('a', 'y'));
  await client.update('ConfigMap', labelled('a', 'x'));
  await client.patch('ConfigMap', { namespace: 'default', name: 'a' }, { data: { x: 'ü€😀'.repeat(1000) } });
  await client.update('ConfigMap', labelled('a', 'z'));
  await client.create('ConfigMap', labelled('last', 'x'));
  await enough.promise;
  stop.abort();
  await watching;
  assert.deepEqual(seen, ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED last']);
  await assert.rejects(
    client.watch('ConfigMap', { resourceVersion: '1' }, () => {}),
    { code: 'KUBE_GONE' },
  );
});

test('historical Ingresses are stored as networking.k8s.io/v1 and read back as written', async (t) => {
  const { socketPath, client } = await bench(t);
  const spec = {
    backend: { serviceName: 'other', servicePort: 8080 },
    rules: [
      { host: 'a.example', http: { paths: [{ path: '/x', backend: { serviceName: 'foo', servicePort: 'web' } }] } },
    ],
  };
  const url = '/apis/extensions/v1beta1/namespaces/default/ingresses';
  const object = { apiVersion: 'extensions/v1beta1', kind: 'Ingress', metadata: { name: 'i' }, spec };
  const created = await raw(socketPath, 'POST', `${url}?fieldValidation=Strict`, {
    body: JSON.stringify(object),
    type: JSON_TYPE,
  });
  assert.equal(created.status, 201, created.body.message);
  assert.deepEqual((created.body as { spec?: unknown }).spec, spec);
  const stored = await client.get('Ingress', { namespace: 'default', name: 'i' });
  assert.equal(stored?.apiVersion, 'networking.k8s.io/v1');
  assert.deepEqual(stored?.spec, {
    defaultBackend: { service: { name: 'other', port: { number: 8080 } } },
    rules: [
      {
        host: 'a.example',
        http: {
          paths: [
            {
              path: '/x',
              pathType: 'ImplementationSpecific',
              backend: { service: { name: 'foo', port: { name: 'web' } } },
            },
          ],
        },
      },
    ],
  });
});

test('over TLS a client certificate or a token is needed', async (t) => {
  const { server } = await bench(t, { ...OPTIONS, tokens: { secret: { name: 'agent', groups: ['system:masters'] } } });
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  const url = `https://127.0.0.1:${port}`;
  const text = server.kubeconfig(url);
  const pem = (field: string) =>
    Buffer.from(new RegExp(`${field}: *>?-?\\s*(\\S+)`).exec(text)?.[1] ?? '', 'base64').toString();
  const ca = pem('certificate-authority-data');
  const clients = {
    admin: createKubeClient({ url, ca, cert: pem('client-certificate-data'), key: pem('client-key-data') }),
    token: createKubeClient({ url, ca, token: 'secret' }),
    wrongToken: createKubeClient({ url, ca, token: 'secrez' }),
    nobody: createKubeClient({ url, ca }),
    doubter: createKubeClient({ url }),
  };
  t.after(() => Object.values(clients).forEach((client) => void client.close()));
  assert.equal((await clients.admin.list('Namespace')).items.length, 4);
  assert.equal((await clients.token.list('Namespace')).items.length, 4);
  await assert.rejects(clients.wrongToken.list('Namespace'), { code: 'KUBE_FORBIDDEN' });
  await assert.rejects(clients.nobody.list('Namespace'), { code: 'KUBE_FORBIDDEN' });
  await assert.rejects(clients.doubter.list('Namespace'), { code: 'KUBE_UNAVAILABLE' });
});

test('an informer outlives a restart of the server and a lost history', async (t) => {
  const { directory, socketPath, client, server } = await bench(t);
  const informers = createInformers(client);
  t.after(() => informers.stop());
  const informer = informers.of('ConfigMap');
  const seen: string[] = [];
  informer.subscribe(({ type, object }) => void seen.push(`${type} ${object.metadata?.name}=${object.data?.x}`));
  const until = async (entry: string) => {
    const deadline = Date.now() + 30_000;
    while (!seen.includes(entry)) {
      assert.ok(Date.now() < deadline, `${entry} was not seen, only ${seen}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await informer.synced;
  await client.create('ConfigMap', configMap('kept', { x: '1' }));
  await client.create('ConfigMap', configMap('lost', { x: '1' }));
  await until('added lost=1');
  await server.close();
  // A memory store forgets everything: the informer must find out by 410 and list.
  const second = await startApiServer(OPTIONS);
  t.after(() => second.close());
  await second.client().create('ConfigMap', configMap('kept', { x: '2' }));
  await second.listenUnix(path.join(directory, 'api.sock'));
  assert.equal(socketPath, path.join(directory, 'api.sock'));
  await until('deleted lost=1');
  await until('added kept=2');
  await second.client().create('ConfigMap', configMap('later', { x: '3' }));
  await until('added later=3');
  assert.deepEqual(
    informer
      .list()
      .map((o) => o.metadata?.name)
      .sort(),
    ['kept', 'later'],
  );
  assert.equal(informer.get('later', 'default')?.data?.x, '3');
});
