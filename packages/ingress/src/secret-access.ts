import { createRunner, done, hasCode, type Logger, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Informers, Ingress, KubeClient, ObjectOf } from '@podwire/kube';
import { secretsOf } from './secret-feed.ts';

/** The Role and RoleBinding of each namespace whose Ingresses have certificates. */
const NAME = 'podwire-ingress';
const GROUP = 'rbac.authorization.k8s.io';

export interface SecretAccessOptions {
  /** Who may write roles. */
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly logger: Logger;
  /** The service account of the agents. */
  readonly agent: { readonly namespace: string; readonly name: string };
}

/**
 * The cluster-wide half: lets agents read the Secrets that Ingresses name, and no others. One per cluster. The roles are
 * its only store.
 */
export function startSecretAccess(options: SecretAccessOptions): { stop(): Promise<void> } {
  const { informers, logger } = options;
  const ingresses = informers.of('Ingress');
  const roles = informers.of('Role', { fieldSelector: `metadata.name=${NAME}` });
  let unsubscribe = (): void => {};
  const runner: Runner = createRunner({
    name: 'secret-access',
    logger,
    run: () => grant(options, planAccess(ingresses.list()), roles.list()),
  });
  void Promise.all([ingresses.synced, roles.synced]).then(() => {
    unsubscribe = ingresses.subscribe(() => runner.trigger());
    runner.trigger();
  });
  return {
    stop: () => {
      unsubscribe();
      return runner.stop();
    },
  };
}

/** Names of Secrets by namespace, in order; namespaces without any are left out. */
export function planAccess(ingresses: readonly Ingress[]): ReadonlyMap<string, readonly string[]> {
  const keys = [...new Set(ingresses.flatMap(secretsOf))].sort();
  const pairs = keys.map((key) => key.split('/') as [namespace: string, name: string]);
  return new Map(
    [...Map.groupBy(pairs, ([namespace]) => namespace)].map(([namespace, all]) => [namespace, all.map(([, n]) => n)]),
  );
}

async function grant(
  options: SecretAccessOptions,
  plan: ReadonlyMap<string, readonly string[]>,
  roles: readonly ObjectOf<'Role'>[],
): Promise<Outcome> {
  const { client } = options;
  try {
    for (const { metadata } of roles) {
      const { namespace = '' } = metadata ?? {};
      if (plan.has(namespace)) continue;
      await client.delete('RoleBinding', { namespace, name: NAME });
      await client.delete('Role', { namespace, name: NAME });
    }
    for (const [namespace, names] of plan) {
      const held = roles.find(({ metadata }) => metadata?.namespace === namespace)?.rules?.[0]?.resourceNames ?? [];
      if (held.join() !== names.join()) await allow(options, namespace, names);
    }
    return done;
  } catch (error) {
    return { kind: 'retry', reason: messageOf(error) };
  }
}

async function allow(
  { client, agent }: SecretAccessOptions,
  namespace: string,
  names: readonly string[],
): Promise<void> {
  const metadata = { namespace, name: NAME };
  const rules = [
    { apiGroups: [''], resources: ['secrets'], resourceNames: [...names], verbs: ['get', 'list', 'watch'] },
  ];
  const roleRef = { apiGroup: GROUP, kind: 'Role', name: NAME };
  const subjects = [{ kind: 'ServiceAccount', ...agent }];
  await ensure(
    () => client.create('Role', { metadata, rules }),
    () => client.patch('Role', metadata, { rules }),
  );
  await ensure(
    () => client.create('RoleBinding', { metadata, roleRef, subjects }),
    () => client.patch('RoleBinding', metadata, { subjects }),
  );
}

async function ensure(create: () => Promise<unknown>, change: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
    await change();
  }
}
