import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { connectTcp, createNetns, deleteNetns, listenTcpFd, type Netns } from '@podwire/kernel';
import { HaProxy } from './apply.ts';
import { defaultCertificate } from './default-certificate.ts';
import { backendTo, ingressOf, objectsOf } from './fixture.ts';
import { type IngressModel, modelIngress } from './model.ts';
import { planProxy } from './plan.ts';
import { runtimeCommand } from './runtime-socket.ts';

const skip = existsSync('/usr/sbin/haproxy') ? false : 'probe haproxy: /usr/sbin/haproxy is not installed';
const netnsName = `pwt-ingress-${randomBytes(4).toString('hex')}`;
const directory = mkdtempSync(path.join(tmpdir(), 'podwire-ingress-'));
const pods: http.Server[] = [];
let netns: Netns;
let proxy: HaProxy;

/** A pod that answers with its name and what it saw. */
function pod(address: string): void {
  const server = http.createServer((request, response) =>
    response.end(
      JSON.stringify({
        pod: address,
        url: request.url,
        forwarded: request.headers['x-forwarded-for'],
        proto: request.headers['x-forwarded-proto'],
      }),
    ),
  );
  pods.push(server.listen({ fd: listenTcpFd({ netns, address, port: 8080 }) }));
}

interface Seen {
  readonly status: number;
  readonly body: string;
  readonly fingerprint: string;
}
async function get(
  scheme: 'http' | 'https',
  at: string,
  headers: Record<string, string> & { host: string },
): Promise<Seen> {
  const raw = await connectTcp({ netns, address: '127.0.0.1', port: scheme === 'https' ? 443 : 80, timeout: 30_000 });
  const socket =
    scheme === 'https' ? tls.connect({ socket: raw, servername: headers.host, rejectUnauthorized: false }) : raw;
  return await new Promise((resolve, reject) => {
    const request = http.request(
      { createConnection: () => socket, path: at, headers: { ...headers, connection: 'close' } },
      (response) => {
        const fingerprint = socket instanceof tls.TLSSocket ? socket.getPeerCertificate().fingerprint256 : '';
        let body = '';
        response
          .on('data', (chunk) => {
            body += chunk;
          })
          .on('end', () => resolve({ status: response.statusCode ?? 0, body, fingerprint }));
      },
    );
    request.on('error', reject).end();
  });
}
const podSeen = async (host: string, at: string): Promise<string | number> => {
  const { status, body } = await get('http', at, { host });
  return status === 200 ? JSON.parse(body).pod : status;
};

/** The shape of an old extensions/v1beta1 fan-out: default backend, a host, a host with `/bar/*`. */
function fanOut(endpoints: Record<string, string[]>): IngressModel {
  const specific = (service: string, at?: string) => ({
    ...(at ? { path: at } : {}),
    pathType: 'ImplementationSpecific',
    backend: backendTo(service),
  });
  return modelIngress(
    objectsOf(
      [
        ingressOf('fan-out', {
          defaultBackend: backendTo('other'),
          rules: [
            { host: 'foo.test', http: { paths: [specific('foo')] } },
            { host: 'bar.test', http: { paths: [specific('bar', '/bar/*')] } },
            { host: '*.wild.test', http: { paths: [specific('foo')] } },
          ],
        }),
      ],
      endpoints,
    ),
  );
}

before(async () => {
  if (skip) return;
  netns = createNetns(netnsName);
  proxy = new HaProxy({ httpPort: 80, httpsPort: 443, directory, user: 'haproxy' }, () => {}, netns);
  for (const address of ['127.1.0.1', '127.1.0.2', '127.1.0.3', '127.1.0.4']) pod(address);
});
after(async () => {
  rmSync(directory, { recursive: true, force: true });
  if (skip) return;
  await proxy.stop();
  for (const server of pods) server.close();
  netns.close();
  deleteNetns(netnsName);
});

test('host and path rules, wildcard, default backend', { skip }, async () => {
  assert.equal(
    await proxy.apply(planProxy(fanOut({ foo: ['127.1.0.1'], bar: ['127.1.0.2'], other: ['127.1.0.3'] }))),
    'start',
  );
  assert.equal(await podSeen('foo.test', '/anything'), '127.1.0.1');
  assert.equal(await podSeen('FOO.test:80', '/'), '127.1.0.1');
  assert.equal(await podSeen('bar.test', '/bar/x'), '127.1.0.2');
  assert.equal(await podSeen('bar.test', '/bar'), '127.1.0.2');
  assert.equal(await podSeen('bar.test', '/barber'), '127.1.0.3');
  assert.equal(await podSeen('a.wild.test', '/'), '127.1.0.1');
  assert.equal(await podSeen('a.b.wild.test', '/'), '127.1.0.3');
  assert.equal(await podSeen('unknown.test', '/'), '127.1.0.3');
});

test('the client cannot forge X-Forwarded-For', { skip }, async () => {
  const { body } = await get('http', '/', { host: 'foo.test', 'x-forwarded-for': '6.6.6.6' });
  assert.deepEqual([JSON.parse(body).forwarded, JSON.parse(body).proto], ['127.0.0.1', 'http']);
});

test('endpoints come and go without a reload and without a failed request', { skip }, async () => {
  let stop = false;
  const seen = new Set<string | number>();
  const fresh = new Set<string | number>();
  const load = (async () => {
    while (!stop) {
      const pod = await podSeen('foo.test', '/');
      seen.add(pod);
      fresh.add(pod);
    }
  })();
  for (const foo of [['127.1.0.1', '127.1.0.4'], ['127.1.0.4'], ['127.1.0.2', '127.1.0.4']]) {
    assert.equal(await proxy.apply(planProxy(fanOut({ foo, bar: ['127.1.0.2'], other: ['127.1.0.3'] }))), 'live');
    fresh.clear();
    for (let i = 0; i < 3000 && !foo.every((pod) => fresh.has(pod)); i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stop = true;
  await load;
  assert.deepEqual([...seen].sort(), ['127.1.0.1', '127.1.0.2', '127.1.0.4']);
});

test('no ready endpoint: 503; a missing route: 404; both live', { skip }, async () => {
  assert.equal(await proxy.apply(planProxy(fanOut({ foo: [], bar: ['127.1.0.2'], other: ['127.1.0.3'] }))), 'live');
  assert.equal(await podSeen('foo.test', '/'), 503);
  const noDefault = modelIngress(
    objectsOf(
      [
        ingressOf('one', {
          rules: [
            { host: 'foo.test', http: { paths: [{ path: '/x', pathType: 'Exact', backend: backendTo('foo') }] } },
          ],
        }),
      ],
      { foo: ['127.1.0.1'] },
    ),
  );
  assert.equal(await proxy.apply(planProxy(noDefault)), 'reload');
  assert.deepEqual(
    [await podSeen('foo.test', '/x'), await podSeen('foo.test', '/x/y'), await podSeen('nobody.test', '/')],
    ['127.1.0.1', 404, 404],
  );
});

test('a route to a known backend is added live', { skip }, async () => {
  const paths = ['/x', '/new'].map((p) => ({ path: p, pathType: 'Exact', backend: backendTo('foo') }));
  const model = modelIngress(
    objectsOf(
      [
        ingressOf('one', {
          rules: [
            { host: 'foo.test', http: { paths } },
            { host: 'second.test', http: { paths } },
          ],
        }),
      ],
      { foo: ['127.1.0.1'] },
    ),
  );
  assert.equal(await proxy.apply(planProxy(model)), 'live');
  assert.deepEqual([await podSeen('foo.test', '/new'), await podSeen('second.test', '/x')], ['127.1.0.1', '127.1.0.1']);
});

test("TLS: the Secret's certificate by SNI, the default one for other names", { skip }, async () => {
  const pem = await defaultCertificate();
  const [cert = '', key = ''] = pem
    .split(/(?=-----BEGIN PRIVATE KEY-----)/)
    .map((part) => Buffer.from(part).toString('base64'));
  const objects = objectsOf(
    [
      ingressOf('tls', {
        tls: [
          { hosts: ['tls.test'], secretName: 'cert' },
          { hosts: ['none.test'], secretName: 'missing' },
        ],
        defaultBackend: backendTo('foo'),
      }),
    ],
    { foo: ['127.1.0.1'] },
  );
  const model = modelIngress({
    ...objects,
    secrets: [{ metadata: { namespace: 'default', name: 'cert' }, data: { 'tls.crt': cert, 'tls.key': key } }],
  });
  assert.deepEqual(
    model.problems.map((p) => p.reason),
    ['BadCertificate'],
  );
  await proxy.apply(planProxy(model));
  const seen = async (host: string): Promise<string> => {
    const { status, fingerprint } = await get('https', '/', { host });
    return `${status} ${fingerprint}`;
  };
  const [own, fallback] = [await seen('tls.test'), await seen('none.test')];
  assert.match(own, /^200 /);
  assert.match(fallback, /^200 /);
  assert.notEqual(own, fallback);
});

const certificateFiles = (): string[] => readdirSync(directory).filter((name) => /^certificate-/.test(name));

test('a Secret that looks like PEM and is none does not stop the other Ingresses', { skip }, async () => {
  const text = (label: string): string =>
    Buffer.from(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`).toString('base64');
  const model = modelIngress({
    ...objectsOf(
      [
        ingressOf('bad', { tls: [{ hosts: ['bad.test'], secretName: 'bad' }] }),
        ingressOf('good', { defaultBackend: backendTo('foo') }),
      ],
      { foo: ['127.1.0.2'] },
    ),
    secrets: [
      {
        metadata: { namespace: 'default', name: 'bad' },
        data: { 'tls.crt': text('CERTIFICATE'), 'tls.key': text('PRIVATE KEY') },
      },
    ],
  });
  assert.equal(certificateFiles().length, 1);
  assert.equal(await proxy.apply(planProxy(model)), 'reload');
  assert.equal((await get('https', '/', { host: 'bad.test' })).status, 200);
  assert.equal(await podSeen('anything.test', '/'), '127.1.0.2');
  assert.deepEqual(certificateFiles(), [], 'the private key of a Secret that is gone is gone, too');
});

const manyRoutes = (count: number): IngressModel => {
  const paths = Array.from({ length: count }, (_, i) => ({
    path: `/a/path/of/usual/length/${i}`,
    pathType: 'Prefix',
    backend: backendTo('foo'),
  }));
  return modelIngress(
    objectsOf([ingressOf('many', { rules: [{ host: 'many.test', http: { paths } }] })], { foo: ['127.1.0.3'] }),
  );
};

test('2,000 routes are added and removed live', { skip }, async () => {
  await proxy.apply(planProxy(manyRoutes(1)));
  assert.equal(await proxy.apply(planProxy(manyRoutes(2000))), 'live');
  for (const i of [0, 1, 999, 1234, 1999])
    assert.equal(await podSeen('many.test', `/a/path/of/usual/length/${i}/x`), '127.1.0.3', String(i));
  assert.equal(await podSeen('many.test', '/a/path/of/usual/length/2000'), 404);
  assert.equal(await proxy.apply(planProxy(manyRoutes(0))), 'reload');
  await proxy.apply(planProxy(manyRoutes(2)));
  assert.equal(await proxy.apply(planProxy(manyRoutes(1))), 'live');
  assert.equal(await podSeen('many.test', '/a/path/of/usual/length/1'), 404);
});

test('what HAProxy refuses to change live comes by a reload', { skip }, async () => {
  const [backend] = planProxy(manyRoutes(1)).backends;
  const server = `${backend?.name}/s1`;
  const answer = await runtimeCommand(path.join(directory, 'haproxy.sock'), [
    `set server ${server} state maint`,
    `del server ${server}`,
  ]);
  assert.match(answer, /Server deleted/);
  const model = manyRoutes(1);
  const two = {
    ...model,
    backends: model.backends.map((one) => ({
      ...one,
      servers: [...one.servers, { address: '127.1.0.4', port: 8080 } as (typeof one.servers)[number]],
    })),
  };
  assert.equal(await proxy.apply(planProxy(two)), 'reload');
  const seen = [];
  for (let i = 0; i < 6; i++) seen.push(await podSeen('many.test', '/a/path/of/usual/length/0'));
  assert.deepEqual([...new Set(seen)].sort(), ['127.1.0.3', '127.1.0.4']);
  assert.equal(await proxy.apply(planProxy(two)), 'unchanged');
});

test('one reload right after the other', { skip }, async () => {
  for (const count of [0, 1, 0, 1, 0, 1]) assert.equal(await proxy.apply(planProxy(manyRoutes(count))), 'reload');
  assert.equal(await podSeen('many.test', '/a/path/of/usual/length/0'), '127.1.0.3');
});
