import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { PodwireError, silentLogger } from '@podwire/base';
import { createInformers, type KubeClient, parseClusterConfig } from '@podwire/kube';
import { CustomKinds } from './custom-kinds.ts';
import { startNamespaces } from './namespace.ts';
import { startServiceAccounts } from './service-account.ts';

const config = parseClusterConfig();
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function start(t: TestContext, wrap: (client: KubeClient) => Partial<KubeClient>) {
  const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
  const real = server.client();
  const informers = createInformers(real);
  await Promise.all([informers.of('Namespace').synced, informers.of('ServiceAccount').synced]);
  const own = wrap(real);
  const client = new Proxy(real, {
    get: (target, name) => own[name as keyof KubeClient] ?? Reflect.get(target, name).bind(target),
  });
  const context = { client, informers, config, logger: silentLogger };
  const custom = new CustomKinds(context);
  const controllers = [startNamespaces({ ...context, custom }), startServiceAccounts(context), custom];
  t.after(async () => {
    for (const controller of controllers) controller.stop();
    informers.stop();
    await server.close();
  });
  return real;
}

test('a namespace that a finalizer holds is looked at ever less often, and goes when it is let go', async (t) => {
  let looks = 0;
  const client = await start(t, (real) => ({
    list: (kind, options) => {
      if (kind === 'ConfigMap') looks++;
      return real.list(kind, options);
    },
  }));
  await client.create('Namespace', { metadata: { name: 'held' } });
  const key = { name: 'c', namespace: 'held' };
  await client.create('ConfigMap', { metadata: { ...key, finalizers: ['example.com/hold'] } });
  const begin = performance.now();
  await client.delete('Namespace', { name: 'held' });
  for (let i = 0; i < 3000 && looks === 0; i++) await wait(10);
  await wait(1000);
  const said = async (): Promise<string> =>
    ((await client.get('Namespace', { name: 'held' }))?.status?.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ message }) => message)
      .join('; ');
  const wanted =
    'Some resources are remaining: configmaps. has 1 resource instances; ' +
    'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances';
  for (let i = 0; i < 3000 && (await said()) !== wanted; i++) await wait(10);
  assert.equal(await said(), wanted);
  const most = 9 + (performance.now() - begin) / 1000;
  assert.ok(looks >= 1 && looks <= most, `${looks} looks, expected ${most} at most`);
  await client.patch('ConfigMap', key, { metadata: { finalizers: null } });
  for (let i = 0; i < 3000 && (await client.get('Namespace', { name: 'held' })); i++) await wait(10);
  assert.equal(await client.get('Namespace', { name: 'held' }), undefined);
});

test('the default ServiceAccount is tried again after a failure, but not in a namespace that goes', async (t) => {
  const failures = ['KUBE_UNAVAILABLE', 'KUBE_API'];
  const tries: string[] = [];
  const client = await start(t, (real) => ({
    create: (kind, object) => {
      const namespace = object.metadata?.namespace ?? '';
      tries.push(namespace);
      const code = namespace === 'going' ? 'KUBE_FORBIDDEN' : namespace === 'new' ? failures.shift() : undefined;
      return code ? Promise.reject(new PodwireError(code, 'refused')) : real.create(kind, object);
    },
  }));
  for (const name of ['going', 'new']) await client.create('Namespace', { metadata: { name } });
  const key = { namespace: 'new', name: 'default' };
  for (let i = 0; i < 3000 && !(await client.get('ServiceAccount', key)); i++) await wait(10);
  assert.ok(await client.get('ServiceAccount', key));
  assert.deepEqual(
    ['going', 'new'].map((name) => tries.filter((namespace) => namespace === name).length),
    [1, 3],
  );
});
