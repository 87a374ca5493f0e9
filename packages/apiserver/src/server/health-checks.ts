import type { Store } from '../core/store.ts';
import type { HealthCheck } from '../surface/index.ts';

/** As Kubernetes calls what is done at the start. */
const HOOKS = [
  'start-system-namespaces-controller',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'start-service-ip-repair-controllers',
];

/** Nothing is served before what the hooks stand for has been done. */
export function healthChecks(store: Store, stopped: AbortSignal): HealthCheck[] {
  const isRight = () => undefined;
  return [
    { name: 'ping', failure: isRight },
    { name: 'log', failure: isRight },
    { name: 'etcd', failure: () => store.trouble },
    ...HOOKS.map((hook) => ({ name: `poststarthook/${hook}`, failure: isRight })),
    {
      name: 'shutdown',
      failure: () => (stopped.aborted ? 'process is shutting down' : undefined),
      isReadinessOnly: true,
    },
  ];
}
