import { selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from './context.ts';
import { KeyQueue } from './key-queue.ts';
import { MANAGED_BY, MANAGER, planEndpoints, planSlices, SERVICE_NAME } from './slices.ts';

type EndpointSlice = ObjectOf<'EndpointSlice'>;

export function startEndpointSlices({ client, informers, logger }: ControllerContext): Controller {
  const services = informers.of('Service');
  const pods = informers.of('Pod');
  const nodes = informers.of('Node');
  const slices = informers.of('EndpointSlice');
  const endpoints = informers.of('Endpoints');

  const mine = (namespace: string, service: string): EndpointSlice[] =>
    slices
      .list()
      .filter(
        (s) =>
          namespaceOf(s) === namespace &&
          s.metadata?.labels?.[SERVICE_NAME] === service &&
          s.metadata.labels[MANAGED_BY] === MANAGER,
      );
  const write = async (wanted: EndpointSlice): Promise<void> => {
    const present = slices.get(nameOf(wanted), namespaceOf(wanted));
    if (!present) await visible(slices, await client.create('EndpointSlice', wanted));
    else if (contentOf(present) !== contentOf(wanted)) {
      const { endpoints: list, ports, metadata } = wanted;
      await visible(
        slices,
        await client.patch('EndpointSlice', objectKey(wanted), {
          endpoints: list,
          ports: ports ?? [],
          metadata: { labels: metadata?.labels },
        }),
      );
    }
  };
  const writeEndpoints = async (wanted: ObjectOf<'Endpoints'>): Promise<void> => {
    const present = endpoints.get(nameOf(wanted), namespaceOf(wanted));
    if (!present) await visible(endpoints, await client.create('Endpoints', wanted));
    else if (JSON.stringify(present.subsets ?? []) !== JSON.stringify(wanted.subsets ?? []))
      await client.patch('Endpoints', objectKey(wanted), { subsets: wanted.subsets ?? null });
  };
  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const service = services.get(name, namespace);
    const zones = new Map(
      nodes
        .list()
        .flatMap((n) =>
          n.metadata?.labels?.['topology.kubernetes.io/zone']
            ? [[nameOf(n), n.metadata.labels['topology.kubernetes.io/zone']] as const]
            : [],
        ),
    );
    const wanted = service && !service.metadata?.deletionTimestamp ? planSlices(service, pods.list(), zones) : [];
    const names = new Set(wanted.map(nameOf));
    await Promise.all(wanted.map(write));
    await Promise.all(
      mine(namespace, name)
        .filter((s) => !names.has(nameOf(s)))
        .map((s) => client.delete('EndpointSlice', objectKey(s))),
    );
    if (service && wanted.length > 0) await writeEndpoints(planEndpoints(service, wanted));
    else if (!service && endpoints.get(name, namespace)) await client.delete('Endpoints', { name, namespace });
  };
  const queue = new KeyQueue({ name: 'endpointslice', logger, reconcile });
  const touch = (pod: ObjectOf<'Pod'>): void => {
    for (const service of services.list()) {
      const selector = service.spec?.selector;
      if (
        selector &&
        namespaceOf(service) === namespaceOf(pod) &&
        selectorMatches({ matchLabels: selector }, pod.metadata?.labels)
      )
        queue.add(keyOf(service));
    }
  };
  const ends = [
    services.subscribe(({ object }) => queue.add(keyOf(object))),
    pods.subscribe((event) => {
      touch(event.object);
      if (event.type === 'modified') touch(event.previous);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}

function contentOf({ endpoints, ports, metadata }: EndpointSlice): string {
  return JSON.stringify([endpoints ?? [], ports ?? [], metadata?.labels]);
}
