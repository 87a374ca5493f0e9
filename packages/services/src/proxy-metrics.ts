import type { MetricFamily, Sample } from '@podwire/base';
import { familiesOf, type ServiceModel, type ServicesView } from './model.ts';
import type { ProxyMode } from './proxy.ts';
import type { ProxyCounts } from './proxy-counts.ts';
import { type PortTargets, portTargets } from './target.ts';

const SYNC = 'sync_proxy_rules';

/** The metrics of kube-proxy, under its names; read when somebody asks for them. */
export function proxyMetrics(counts: ProxyCounts, mode: ProxyMode, view: ServicesView): readonly MetricFamily[] {
  const { passes, programming, services, endpoints, failures, answers } = counts;
  return [
    histogram(`${SYNC}_duration_seconds`, 'How long it took to bring the kernel in step.', passes),
    gauge(`${SYNC}_last_timestamp_seconds`, 'When the kernel was last brought in step.', counts.syncedAt / 1000),
    gauge(`${SYNC}_last_queued_timestamp_seconds`, 'When that was last asked for.', counts.queuedAt / 1000),
    gauge(`${SYNC}_endpoint_changes_pending`, 'Changes of endpoints not yet in force.', pending(endpoints)),
    counter(`${SYNC}_endpoint_changes_total`, 'Changes of endpoints.', endpoints.told),
    gauge(`${SYNC}_service_changes_pending`, 'Changes of Services not yet in force.', pending(services)),
    counter(`${SYNC}_service_changes_total`, 'Changes of Services.', services.told),
    family(`${SYNC}_no_local_endpoints_total`, 'gauge', 'Services of policy Local whose endpoints are all elsewhere.', [
      sample({ traffic_policy: 'internal' }, countLost(view, 'internal')),
      sample({ traffic_policy: 'external' }, countLost(view, 'external')),
    ]),
    ...(mode === 'iptables'
      ? [counter(`${SYNC}_iptables_restore_failures_total`, 'Passes that failed.', failures.iptables)]
      : [
          counter(`${SYNC}_nftables_sync_failures_total`, 'Passes that failed.', failures.nftables),
          counter(`${SYNC}_nftables_cleanup_failures_total`, 'Passes that left rules behind.', counts.cleanupFailures),
        ]),
    histogram('network_programming_duration_seconds', 'From a change of endpoints until it was in force.', programming),
    family('proxy_healthz_total', 'counter', 'Answers of /healthz, by code.', byCode(answers.healthz)),
    family('proxy_livez_total', 'counter', 'Answers of /livez, by code.', byCode(answers.livez)),
  ];
}

const family = (name: string, type: MetricFamily['type'], help: string, samples: readonly Sample[]): MetricFamily => ({
  name: `kubeproxy_${name}`,
  type,
  help,
  samples: () => samples,
});
const sample = (labels: Sample['labels'], value: number): Sample => ({ labels, value });
const gauge = (name: string, help: string, value: number) => family(name, 'gauge', help, [sample({}, value)]);
const counter = (name: string, help: string, value: number) => family(name, 'counter', help, [sample({}, value)]);
const histogram = (name: string, help: string, counts: ProxyCounts['passes']) =>
  family(name, 'histogram', help, counts.samples(`kubeproxy_${name}`));
const pending = ({ told, inForce }: ProxyCounts['services']): number => told - inForce;
const byCode = (codes: ReadonlyMap<number, number>): Sample[] =>
  [...codes].map(([code, count]) => sample({ code: String(code) }, count));

/** How many services have a port whose connections of this policy are dropped on this node. */
function countLost(view: ServicesView, policy: 'internal' | 'external'): number {
  const local: keyof ServiceModel = policy === 'internal' ? 'internalLocal' : 'externalLocal';
  const drops = (targets: PortTargets): boolean => targets[policy].kind === 'drop';
  let count = 0;
  for (const service of view.services.values()) {
    if (!service[local]) continue;
    const lost = familiesOf(view.cluster).some((family) =>
      service.ports.some((port) => drops(portTargets(service, port, { node: view.node, family }))),
    );
    if (lost) count++;
  }
  return count;
}
