/** The stock JavaScript client, which shares no code with podwire, against the API server over TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { parsePrefix } from '@podwire/base';
import { type ApiServer, startApiServer } from './server.ts';
import { FakePods } from './testing/fake-pods.ts';

const namespace = 'default';
const config = new KubeConfig();
let server: ApiServer;
let core: CoreV1Api;

before(async () => {
  const streams = new FakePods();
  server = await startApiServer({
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
    streams,
  });
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  config.loadFromString(server.kubeconfig(`https://127.0.0.1:${port}`));
  core = config.makeApiClient(CoreV1Api);
});
after(() => server.close());

const configMap = (name: string, x: string): V1ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { app: 'client-node' } },
  data: { x },
});

/** Polls for at most half a minute. */
async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 3000 && !condition(); round++) await sleep(10);
  assert.ok(condition(), `waited in vain for ${condition}`);
}

/** The Status of a call that has to fail. */
async function failureOf(call: Promise<unknown>): Promise<V1Status> {
  const error = await call.then(
    () => assert.fail('it did not fail'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof ApiException, String(error));
  const { code, body } = error as ApiException<string | V1Status>;
  const status = (typeof body === 'string' ? JSON.parse(body) : body) as V1Status;
  assert.equal(status.code, code);
  return status;
}

test('create, read, list, patch, replace, delete', async () => {
  const created = await core.createNamespacedConfigMap({ namespace, body: configMap('a', '1') });
  assert.ok(created.metadata?.creationTimestamp instanceof Date);
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  const patched = await core.patchNamespacedConfigMap({ name: 'a', namespace, body: { data: { y: '2' } } }, merge);
  assert.deepEqual(patched.data, { x: '1', y: '2' });
  const json = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);
  const body = [{ op: 'remove', path: '/data/x' }];
  assert.deepEqual((await core.patchNamespacedConfigMap({ name: 'a', namespace, body }, json)).data, { y: '2' });
  const stale = await failureOf(core.replaceNamespacedConfigMap({ name: 'a', namespace, body: created }));
  assert.deepEqual([stale.code, stale.reason], [409, 'Conflict']);
  for (const name of ['b', 'c']) await core.createNamespacedConfigMap({ namespace, body: configMap(name, '1') });
  const labelSelector = 'app=client-node';
  const page = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 2 });
  const rest = await core.listNamespacedConfigMap({
    namespace,
    labelSelector,
    _continue: page.metadata?._continue ?? '',
  });
  assert.deepEqual(
    [...page.items, ...rest.items].map(({ metadata }) => metadata?.name),
    ['a', 'b', 'c'],
  );
  await core.deleteNamespacedConfigMap({ name: 'a', namespace });
  const gone = await failureOf(core.readNamespacedConfigMap({ name: 'a', namespace }));
  assert.equal(gone.message, 'configmaps "a" not found');
});

test('what is wrong comes as a Status with reason and causes', async () => {
  const twice = await failureOf(core.createNamespace({ body: { metadata: { name: 'default' } } }));
  assert.deepEqual([twice.reason, twice.details?.kind], ['AlreadyExists', 'namespaces']);
  const apps = config.makeApiClient(AppsV1Api);
  const labels = { a: 'b' };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } };
  const invalid = await failureOf(
    apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'd' }, spec } }),
  );
  assert.deepEqual([invalid.code, invalid.reason], [422, 'Invalid']);
  assert.ok(invalid.details?.causes?.some(({ field }) => field === 'spec.template.spec.containers'));
});

test('apply by server-side apply, of kinds known by their words only', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const applied = configMap('applied', '1');
  const target = { ...applied, metadata: { ...applied.metadata, namespace } };
  const apply = (manager: string, force: boolean) =>
    objects.patch(target, undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
  const first = await apply('one', false);
  assert.equal(first.metadata?.managedFields?.[0]?.manager, 'one');
  target.data = { x: '2' };
  const refused = await failureOf(apply('two', false));
  assert.deepEqual([refused.code, refused.details?.causes?.[0]?.field], [409, '.data.x']);
  assert.ok(await apply('two', true));
});

test('a watch from a revision, and an informer', async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const list = () => core.listNamespacedConfigMap({ namespace });
  const informer = makeInformer(config, path, list);
  const told: string[] = [];
  for (const verb of ['add', 'update', 'delete'] as const)
    informer.on(verb as 'add', ({ metadata }: V1ConfigMap) => void told.push(`${verb} ${metadata?.name}`));
  await informer.start();
  const { metadata } = await list();
  const events: string[] = [];
  const options = { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true };
  const seen = (type: string, object: V1ConfigMap) => void events.push(`${type} ${object.metadata?.name}`);
  const watch = await new Watch(config).watch(path, options, seen, () => {});
  await core.createNamespacedConfigMap({ namespace, body: configMap('w', '1') });
  await core.replaceNamespacedConfigMap({ name: 'w', namespace, body: configMap('w', '2') });
  await core.deleteNamespacedConfigMap({ name: 'w', namespace });
  await until(() => events.length === 3);
  assert.deepEqual(events, ['ADDED w', 'MODIFIED w', 'DELETED w']);
  watch.abort();
  await until(() => told.includes('delete w'));
  assert.deepEqual(
    told.filter((text) => text.endsWith(' w')),
    ['add w', 'update w', 'delete w'],
  );
  await informer.stop();
});

/** Text that was written to it. */
class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

test('logs, and a command with input, output, errors and exit code', async () => {
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } };
  await core.createNamespacedPod({ namespace, body: pod });
  const status = { phase: 'Running', containerStatuses: [{ name: 'c', ready: true, state: { running: {} } }] };
  await server.client().patch('Pod', { namespace, name: 'p' }, { status }, { subresource: 'status' });
  const log = new Sink();
  await new Log(config).log(namespace, 'p', 'c', log, { tailLines: 2 });
  await until(() => log.text === 'two\nthree\n');
  const [stdout, stderr] = [new Sink(), new Sink()];
  const ended = Promise.withResolvers<V1Status>();
  const stdin = Readable.from(['hello']);
  const exec = new Exec(config);
  const socket = await exec.exec(namespace, 'p', 'c', ['cat'], stdout, stderr, stdin, false, ended.resolve);
  const { reason, details } = await ended.promise;
  assert.deepEqual([reason, details?.causes?.[0]?.message], ['NonZeroExitCode', '7']);
  assert.deepEqual([stdout.text, stderr.text], ['hello', 'careful\n']);
  if (socket.readyState !== socket.CLOSED) await once(socket, 'close');
});
