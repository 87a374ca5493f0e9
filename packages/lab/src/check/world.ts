import { PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Informers, KubeClient, ObjectOf } from '@podwire/kube';
import type { LabConfig } from '../lab-config.ts';
import { CHECK_NAMESPACE } from './fixture.ts';

/** What a check can see and use. */
export interface World {
  readonly config: LabConfig;
  readonly client: KubeClient;
  readonly informers: Informers;
  /** `outside`, `router` or a node's name. */
  netns(role: string): Netns;
  podNetns(namespace: string, name: string): Netns;
  exec(
    namespace: string,
    pod: string,
    container: string,
    command: readonly string[],
  ): Promise<{ code: number; stdout: string }>;
  /** What the services room of each node has planned, in words. */
  servicePlans(): Promise<readonly (readonly string[])[]>;
  /** All rooms of all nodes have put into force what they have seen. */
  idle(): Promise<void>;
}

export interface Place {
  readonly name: string;
  readonly netns: Netns;
  readonly address: string;
}

export interface CheckRow {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what went wrong. */
  readonly detail: string;
  readonly ms: number;
}

/** One promise of the cluster, proved with packets. Returns what was seen; throws LAB_CHECK when the promise does not hold. */
export interface Check {
  readonly name: string;
  prove(world: World): Promise<string>;
}

export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new PodwireError('LAB_CHECK', message);
}

export function pod(world: World, name: string): Place {
  const address = world.informers.of('Pod').get(name, CHECK_NAMESPACE)?.status?.podIP;
  expect(address !== undefined, `pod ${CHECK_NAMESPACE}/${name} has no address`);
  return { name, netns: world.podNetns(CHECK_NAMESPACE, name), address };
}

/** The echo pods, one per node. */
export function echoPods(world: World): Place[] {
  return world.config.nodes.map((_, i) => pod(world, `echo-${i + 1}`));
}

export function service(
  world: World,
  name: string,
): ObjectOf<'Service'> & { readonly spec: { readonly clusterIP: string } } {
  const found = world.informers.of('Service').get(name, CHECK_NAMESPACE);
  expect(found?.spec?.clusterIP !== undefined, `Service ${CHECK_NAMESPACE}/${name} has no clusterIP`);
  return found as ObjectOf<'Service'> & { readonly spec: { readonly clusterIP: string } };
}
