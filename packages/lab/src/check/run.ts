import { setTimeout as sleep } from 'node:timers/promises';
import { commandName, messageOf, PodwireError } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import { unreadyReason } from '../unready-reason.ts';
import { CHECKS } from './checks.ts';
import { CHECK_NAMESPACE, createFixture, NEVER_READY } from './fixture.ts';
import type { CheckRow, World } from './world.ts';

const DEADLINE = 120_000;
const KINDS = ['Pod', 'Service', 'EndpointSlice', 'Namespace', 'Ingress', 'NetworkPolicy'] as const;

/** Runs every check with a fixture of its own, which is removed afterwards; one row per check, in order. */
export async function* runChecks(world: World): AsyncGenerator<CheckRow> {
  await Promise.all(KINDS.map((kind) => world.informers.of(kind).synced));
  await removeFixture(world);
  try {
    await createFixture(
      world.client,
      world.config.nodes.map((node) => node.name),
    );
    await fixtureReady(world);
    for (const check of CHECKS) {
      const started = performance.now();
      const row = (ok: boolean, detail: string): CheckRow => ({
        name: check.name,
        ok,
        detail,
        ms: performance.now() - started,
      });
      try {
        yield row(true, await check.prove(world));
      } catch (error) {
        yield row(false, messageOf(error));
      }
    }
  } finally {
    await removeFixture(world);
  }
}

async function fixtureReady(world: World): Promise<void> {
  const pods = world.informers.of('Pod');
  const slices = world.informers.of('EndpointSlice');
  const deployments = world.informers.of('Deployment');
  const ready = (): boolean => {
    const mine = pods.list().filter((pod) => pod.metadata?.namespace === CHECK_NAMESPACE);
    const endpoints = slices
      .list()
      .filter(
        (slice) =>
          slice.metadata?.namespace === CHECK_NAMESPACE &&
          slice.metadata.labels?.['kubernetes.io/service-name'] === 'echo',
      )
      .flatMap((slice) => slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready);
    const settled = mine.filter((pod) =>
      pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    // An echo and a spread pod per node, the guarded one, the stranger; one more is never ready.
    const wanted = 2 * world.config.nodes.length + 2;
    const nodes = world.config.nodes.length;
    // The Deployment's own status follows that of its pods.
    const available = deployments.get('spread', CHECK_NAMESPACE)?.status?.availableReplicas ?? 0;
    return settled.length === wanted && mine.length === wanted + 1 && endpoints.length >= nodes && available === nodes;
  };
  await until(ready, () => `the pods of the check did not become ready${unreadyPods(pods.list())}`);
  await until(
    () => areKnown(world),
    () => 'the nodes did not hear of the Services of the check',
  );
  await world.idle();
}

/** Why, of the first few: what tells more is gone when people read this. */
export function unreadyPods(pods: readonly Pod[]): string {
  const unready = pods.filter(
    ({ metadata, status }) =>
      metadata?.namespace === CHECK_NAMESPACE &&
      metadata.name !== NEVER_READY &&
      !status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
  );
  const reasons = [...Map.groupBy(unready, (pod) => unreadyReason(pod))];
  return reasons.map(([reason, of]) => `; ${of.map(({ metadata }) => metadata?.name).join(', ')}: ${reason}`).join('');
}

/** Agents hear of objects later than this process does, on a busy machine by seconds. */
async function areKnown(world: World): Promise<boolean> {
  const wanted = world.informers
    .of('Service')
    .list()
    .filter(({ metadata, spec }) => metadata?.namespace === CHECK_NAMESPACE && spec?.clusterIP)
    .map(({ metadata, spec }) => `cluster IP ${spec?.clusterIP} tcp 80 ${metadata?.name === 'empty' ? '' : '->'}`);
  const plans = await world.servicePlans();
  return plans.every((lines) => wanted.every((text) => lines.some((line) => line.includes(text))));
}

async function removeFixture(world: World): Promise<void> {
  if (!(await world.client.delete('Namespace', { name: CHECK_NAMESPACE }))) return;
  const namespaces = world.informers.of('Namespace');
  const hint = `"${commandName()} kubectl get namespace ${CHECK_NAMESPACE} -o yaml" says what holds it up`;
  await until(
    () => namespaces.get(CHECK_NAMESPACE) === undefined,
    () => `namespace ${CHECK_NAMESPACE} was not removed; ${hint}`,
  );
}

async function until(condition: () => boolean | Promise<boolean>, failure: () => string): Promise<void> {
  const deadline = Date.now() + DEADLINE;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new PodwireError('LAB_CHECK', `within ${DEADLINE / 1000} s ${failure()}`);
    await sleep(20);
  }
}
