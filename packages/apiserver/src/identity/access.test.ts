import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../server.ts';

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function bench(t: TestContext, options: Partial<ApiServerOptions> = {}) {
  const server: ApiServer = await startApiServer({
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
    tokens: { root: { name: 'root', groups: ['system:masters'] }, ann: { name: 'ann', groups: [] } },
    ...options,
  });
  t.after(() => server.close());
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  const send = (line: string, headers: Record<string, string | string[]> = {}, body?: object): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const [method, path] = line.split(' ');
      const type = body ? { 'content-type': 'application/json' } : {};
      const options = { host: '127.0.0.1', port, path, method, rejectUnauthorized: false, agent: false };
      const request = https.request({ ...options, headers: { ...type, ...headers } } as https.RequestOptions);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, body: '' });
      });
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  return { server, send, as };
}

test('nobody without credentials, and nobody with wrong ones', async (t) => {
  const { send, as } = await bench(t);
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  const claims = Buffer.from('{"sub":"system:serviceaccount:kube-system:x"}').toString('base64url');
  const headers: readonly Record<string, string>[] = [
    {},
    as('roo'),
    as('root2'),
    as(`${none}.${claims}.`),
    as(`${none}.${claims}.AAAA`),
    as('a.b.c'),
    as('.'.repeat(10_000)),
    { authorization: 'Bearer' },
    { authorization: 'Basic cm9vdDpyb290' },
    { authorization: 'Bearer \u00ff\u00fe' },
    { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' },
  ];
  for (const one of headers) {
    const { status, body } = await send('GET /api/v1/namespaces', one);
    assert.equal(status, 401, JSON.stringify(one).slice(0, 100));
    assert.equal((JSON.parse(body) as { reason: string }).reason, 'Unauthorized');
  }
  // A wrong token is wrong also where none is needed.
  assert.equal((await send('GET /healthz', as('wrong'))).status, 401);
  assert.equal((await send('GET /healthz')).status, 200);
  assert.equal((await send('GET /api/v1/namespaces', as('root'))).status, 200);
});

test('anonymous requests are let in when that is wanted, and may do what roles say', async (t) => {
  const { send } = await bench(t, { anonymous: true });
  const { status, body } = await send('GET /api/v1/namespaces');
  assert.equal(status, 403);
  assert.match(body, /User \\"system:anonymous\\" cannot list resource/);
  assert.equal((await send('GET /version')).status, 200);
  assert.equal((await send('GET /apis')).status, 403);
});

test('who has no role may ask, and nothing else', async (t) => {
  const { send, as } = await bench(t);
  for (const line of ['GET /api', 'GET /apis/apps/v1', 'GET /openapi/v3', 'GET /version'])
    assert.equal((await send(line, as('ann'))).status, 200, line);
  const lines = [
    'GET /api/v1/pods',
    'GET /api/v1/namespaces/default/secrets/x',
    'GET /api/v1/namespaces/default/pods/x/log',
    'POST /api/v1/namespaces/default/serviceaccounts/default/token',
    'POST /apis/authentication.k8s.io/v1/tokenreviews',
    'POST /apis/authorization.k8s.io/v1/subjectaccessreviews',
    'GET /no/such/path',
    'GET /apis/no.such/v1/things',
    'GET //api/v1/pods',
    'GET /api/v1/namespaces/default/..%2f..%2fnodes/x',
  ];
  for (const line of lines) assert.equal((await send(line, as('ann'))).status, 403, line);
  const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } };
  const answer = await send('POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', as('ann'), review);
  assert.deepEqual((JSON.parse(answer.body) as { status: object }).status, { allowed: false });
});

test('exec, attach and port-forward ask the roles before they upgrade', async (t) => {
  const { server, send, as } = await bench(t);
  const containers = [{ name: 'c', image: 'i' }];
  await server.client().create('Pod', { metadata: { name: 'p', namespace: 'default' }, spec: { containers } });
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const { status, body } = await send('GET /api/v1/namespaces/default/pods/p/exec?command=sh', {
    ...as('ann'),
    ...upgrade,
  });
  assert.equal(status, 403);
  assert.match(body, /User \\"ann\\" cannot get resource \\"pods\/exec\\" in API group \\"\\" in the namespace/);
});

test('an apply that creates needs the right to create', async (t) => {
  const { server, send, as } = await bench(t);
  const client = server.client();
  const rules = [{ verbs: ['patch'], apiGroups: [''], resources: ['configmaps'] }];
  await client.create('Role', { metadata: { name: 'patcher', namespace: 'default' }, rules });
  await client.create('RoleBinding', {
    metadata: { name: 'ann', namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patcher' },
    subjects: [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }],
  });
  const line = 'PATCH /api/v1/namespaces/default/configmaps/c?fieldManager=a';
  const headers = { ...as('ann'), 'content-type': 'application/apply-patch+yaml' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } };
  const refused = await send(line, headers, object);
  assert.equal(refused.status, 403);
  assert.match(refused.body, /cannot create resource \\"configmaps\\"/);
  await client.create('ConfigMap', { metadata: { name: 'c', namespace: 'default' } });
  assert.equal((await send(line, headers, object)).status, 200);
});

test('reviews of hostile bodies', async (t) => {
  const { send, as } = await bench(t);
  const bodies: readonly object[] = [
    { spec: 1 },
    { spec: { resourceAttributes: [] } },
    { spec: { resourceAttributes: { verb: { $ne: 1 } } } },
    { spec: { user: ['a'], groups: 'b' } },
    { kind: 'Pod', apiVersion: 'v1' },
    [],
    {},
  ];
  for (const kind of ['selfsubjectaccessreviews', 'subjectaccessreviews', 'selfsubjectrulesreviews']) {
    for (const body of bodies) {
      const { status } = await send(`POST /apis/authorization.k8s.io/v1/${kind}`, as('root'), body);
      assert.ok(status === 400 || status === 422, `${kind} ${JSON.stringify(body)}: ${status}`);
    }
  }
  const both = { spec: { user: 'a', resourceAttributes: { verb: 'get' }, nonResourceAttributes: { verb: 'get' } } };
  assert.equal((await send('POST /apis/authorization.k8s.io/v1/subjectaccessreviews', as('root'), both)).status, 422);
  assert.equal((await send('POST /apis/authentication.k8s.io/v1/tokenreviews', as('root'), {})).status, 400);
  const local = { spec: { user: 'a', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'b' } } };
  const path = '/apis/authorization.k8s.io/v1/namespaces';
  assert.equal((await send(`POST ${path}/b/localsubjectaccessreviews`, as('root'), local)).status, 201);
  assert.equal((await send(`POST ${path}/c/localsubjectaccessreviews`, as('root'), local)).status, 400);
});

test('the audit file has a line for every request, and no secrets', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-audit-'));
  t.after(() => rm(directory, { recursive: true }));
  const auditFile = join(directory, 'logs', 'audit.jsonl');
  const { server, send, as } = await bench(t, { auditFile });
  const secret = { metadata: { name: 's' }, stringData: { password: 'hunter2' } };
  await send('POST /api/v1/namespaces/default/secrets', as('root'), secret);
  await send('GET /api/v1/namespaces/default/pods/p/exec?command=hunter2', { ...as('ann'), 'impersonate-user': 'x' });
  await send('GET /api/v1/pods?continue=hunter2', as('ann'));
  await send('GET /x%0a%22evil', as('hunter2'));
  await send('GET /api/v1/nodes', { ...as('root'), 'impersonate-user': 'bob\u00e9' });
  await server.close();
  const text = await readFile(auditFile, 'utf8');
  assert.equal((await stat(auditFile)).mode & 0o777, 0o600);
  assert.doesNotMatch(text, /hunter2|Bearer/);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ user, impersonator, verb, resource, status }) => [user, impersonator, verb, resource, status]),
    [
      ['root', undefined, 'create', 'secrets', 201],
      ['ann', undefined, 'get', 'pods', 403],
      ['ann', undefined, 'list', 'pods', 403],
      [null, undefined, 'get', undefined, 401],
      ['bob\u00e9', 'root', 'list', 'nodes', 403],
    ],
  );
  for (const { ms, time, source } of lines) {
    assert.ok(typeof ms === 'number' && ms >= 0);
    assert.ok(Date.parse(String(time)) > 0);
    assert.match(String(source), /127\.0\.0\.1/);
  }
});
