import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { type Logger, silentLogger } from '@podwire/base';
import { createInformers, type Informers, type KubeClient, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import { startControllers } from './controllers.ts';
import { eventually } from './testing/control-plane.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const config = parseClusterConfig();
const hostile: readonly unknown[] = [null, 5, 'x', [null]];

/** Objects no server would let in, as a damaged store might hold them; the controllers see them, and them alone. */
function poisoned(informers: Informers, objects: Readonly<Record<string, readonly object[]>>): Informers {
  return {
    stop: () => informers.stop(),
    of: (kind, options) => {
      const informer = informers.of(kind, options);
      const bad = (objects[kind] ?? []) as ReturnType<typeof informer.list>;
      const named = (name: string) => bad.find((one) => (one as ObjectOf<'Pod'>).metadata?.name === name);
      return Object.create(informer, {
        list: { value: () => [...bad, ...informer.list()] },
        get: { value: (name: string, namespace?: string) => named(name) ?? informer.get(name, namespace) },
        subscribe: {
          value: (listener: Parameters<typeof informer.subscribe>[0]) => {
            for (const object of bad) listener({ type: 'added', object });
            return informer.subscribe(listener);
          },
        },
      });
    },
  };
}

const template = (labels: Record<string, string>) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'one' }] },
});

/** One object for each hostile value at each of these places, by path. */
function variants(kind: string, paths: readonly string[], base: object = {}): object[] {
  return paths.flatMap((path, i) =>
    hostile.map((value, j) => {
      const made = {
        metadata: { name: `${kind.toLowerCase()}-${i}-${j}`, namespace: 'default', uid: `${kind}-${i}-${j}` },
        ...base,
      };
      const steps = path.split('.');
      const last = steps.pop() ?? '';
      let at = made as Record<string, unknown>;
      for (const step of steps) {
        at[step] = { ...(at[step] as object) };
        at = at[step] as Record<string, unknown>;
      }
      at[last] = value;
      return made;
    }),
  );
}

const BAD = {
  Pod: variants('Pod', [
    ...['metadata.ownerReferences', 'metadata.labels', 'metadata.finalizers', 'spec', 'status', 'status.conditions'],
    ...['spec.containers', 'spec.initContainers', 'spec.tolerations', 'spec.affinity', 'spec.schedulingGates'],
    ...['spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution', 'spec.nodeSelector'],
    'spec.topologySpreadConstraints',
  ]).concat(
    variants(
      'Placed',
      [
        'spec.containers',
        'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution',
        'metadata.labels',
      ],
      {
        spec: { nodeName: 'node-1', containers: [] },
      },
    ),
  ),
  Node: variants('Node', [
    'spec',
    'status',
    'spec.taints',
    'status.conditions',
    'status.allocatable',
    'metadata.labels',
  ]),
  Service: variants('Service', ['spec', 'spec.selector', 'spec.ports', 'metadata.labels']),
  EndpointSlice: variants('EndpointSlice', ['metadata.labels', 'endpoints', 'ports', 'metadata.ownerReferences']),
  Endpoints: variants('Endpoints', ['subsets', 'metadata.annotations']),
  ReplicaSet: variants('ReplicaSet', ['spec', 'spec.selector', 'spec.template', 'status', 'metadata.ownerReferences']),
  Deployment: variants('Deployment', ['spec', 'spec.selector', 'spec.template', 'spec.strategy', 'status.conditions']),
  DaemonSet: variants('DaemonSet', ['spec', 'spec.template', 'spec.updateStrategy', 'spec.template.spec']),
  StatefulSet: variants('StatefulSet', ['spec', 'spec.template', 'spec.volumeClaimTemplates', 'spec.ordinals']),
  Job: variants('Job', [
    'spec',
    'spec.template',
    'status',
    'status.conditions',
    'spec.completions',
    'spec.podFailurePolicy',
  ]),
  CronJob: variants('CronJob', ['spec', 'spec.schedule', 'status', 'status.active', 'spec.jobTemplate']),
  PodDisruptionBudget: variants('PodDisruptionBudget', ['spec', 'spec.selector', 'status']),
  Lease: variants('Lease', ['spec', 'metadata.labels']),
  Namespace: variants('Namespace', ['spec', 'status', 'metadata.labels']),
  ConfigMap: variants('ConfigMap', ['metadata.ownerReferences', 'metadata.finalizers', 'data']),
};

test('objects nobody can read keep no controller from its work on all others', async (t) => {
  const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
  const client: KubeClient = server.client();
  const real = createInformers(client);
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message) };
  const clock = new VirtualClock(new Date().toISOString());
  const informers = poisoned(real, BAD);
  const controllers = await startControllers({ client, informers, config, logger, clock });
  t.after(async () => {
    controllers.stop();
    real.stop();
    await server.close();
  });
  await client.create('Node', { metadata: { name: 'node-1' } });
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  await client.patch('Node', { name: 'node-1' }, { status }, { subresource: 'status' });
  await eventually('a pod CIDR', async () => (await client.get('Node', { name: 'node-1' }))?.spec?.podCIDR);
  const labels = { app: 'good' };
  const place = (name: string) => ({ name, namespace: 'default' });
  const selector = { matchLabels: labels };
  await client.create('Service', { metadata: place('good'), spec: { selector: labels, ports: [{ port: 80 }] } });
  await client.create('Deployment', {
    metadata: place('deployed'),
    spec: { replicas: 1, selector, template: template(labels) },
  });
  await client.create('DaemonSet', { metadata: place('daemon'), spec: { selector, template: template(labels) } });
  await client.create('StatefulSet', {
    metadata: place('member'),
    spec: { serviceName: 's', selector, template: template(labels) },
  });
  const job = { ...template(labels), spec: { ...template(labels).spec, restartPolicy: 'Never' as const } };
  await client.create('Job', { metadata: place('job'), spec: { template: job } });
  const bound = async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return items.filter(({ spec }) => spec?.nodeName === 'node-1').map(({ metadata }) => metadata?.name?.split('-')[0]);
  };
  await eventually('a pod of each', async () => (await bound()).length === 4);
  assert.deepEqual((await bound()).sort(), ['daemon', 'deployed', 'job', 'member']);
  const key = { namespace: 'default', name: 'member-0' };
  await client.patch(
    'Pod',
    key,
    { status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] } },
    { subresource: 'status' },
  );
  await eventually('an endpoint', async () =>
    (await client.list('EndpointSlice', { namespace: 'default' })).items.some(
      ({ endpoints }) => endpoints.length === 1,
    ),
  );
  await client.create('ConfigMap', {
    metadata: {
      ...place('garbage'),
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'gone' }],
    },
  });
  await eventually('the garbage to go', async () => !(await client.get('ConfigMap', place('garbage'))));
  assert.ok(errors.length > 0, 'what is passed over is told of');
});
