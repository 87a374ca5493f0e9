import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServicesView } from './model.ts';
import { ProxyCounts } from './proxy-counts.ts';
import { proxyMetrics } from './proxy-metrics.ts';
import { modelFromApi } from './snapshot.ts';

/** One Service whose only endpoint is on another node. */
function view(spec: object): ServicesView {
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];
  const model = modelFromApi({
    services: [{ metadata: { namespace: 'shop', name: 'web' }, spec: { clusterIP: '10.96.0.20', ports, ...spec } }],
    slices: [
      {
        metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080 }],
        endpoints: [{ addresses: ['10.244.1.2'], conditions: { ready: true }, nodeName: 'node-2' }],
      },
    ],
    ...{ node: undefined, nodeName: 'node-1', podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] },
  });
  const services = new Map(model.services.map((service) => [service.name, service]));
  return { ...model, services, foreign: new Map() };
}

const sliceAt = (time: string) => ({
  addressType: 'IPv4' as const,
  endpoints: [],
  metadata: { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': time } },
});

/** Those of a family, without its name's common part. */
function samples(counts: ProxyCounts, name: string, spec: object = {}, mode: 'nftables' | 'iptables' = 'nftables') {
  const family = proxyMetrics(counts, mode, view(spec)).find((one) => one.name === `kubeproxy_${name}`);
  return family?.samples().map(({ labels, value, metricName }) => {
    const part = metricName?.slice(`kubeproxy_${name}`.length) ?? '';
    return `${part}${Object.entries(labels).map(([key, text]) => `{${key}=${text}}`)} ${value}`.trim();
  });
}

test('changes are pending until a pass that saw them went well, and are timed from what the slice says', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const counts = new ProxyCounts(() => now);
  const before = sliceAt('2025-12-31T23:59:59Z');
  counts.sliceTold({ type: 'added', object: before });
  now += 2000;
  const object = sliceAt('2026-01-01T00:00:01.500Z');
  counts.sliceTold({ type: 'modified', object, previous: before });
  counts.sliceTold({ type: 'modified', object, previous: object });
  counts.serviceTold();
  counts.queued();
  counts.begin();
  counts.failed('nftables');
  const inForce = counts.begin();
  counts.sliceTold({ type: 'modified', object: sliceAt('no time'), previous: object });
  assert.deepEqual(samples(counts, 'sync_proxy_rules_endpoint_changes_pending'), ['4']);
  now += 100;
  inForce();
  assert.deepEqual(samples(counts, 'sync_proxy_rules_endpoint_changes_pending'), ['1']);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_endpoint_changes_total'), ['4']);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_service_changes_pending'), ['0']);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_service_changes_total'), ['1']);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_last_queued_timestamp_seconds'), ['1767225602']);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_last_timestamp_seconds'), ['1767225602.1']);
  const timed = samples(counts, 'network_programming_duration_seconds') ?? [];
  assert.deepEqual(timed.slice(1, 4), ['_bucket{le=0.25} 0', '_bucket{le=0.5} 0', '_bucket{le=1} 1']);
  assert.deepEqual(timed.slice(-4), ['_bucket{le=300} 1', '_bucket{le=+Inf} 1', '_sum 0.6', '_count 1']);
});

test('failures have the name of what the mode writes with', () => {
  const counts = new ProxyCounts();
  counts.failed('ebpf');
  counts.failed('iptables');
  counts.failed('iptables');
  assert.deepEqual(samples(counts, 'sync_proxy_rules_nftables_sync_failures_total'), ['1']);
  assert.equal(samples(counts, 'sync_proxy_rules_nftables_sync_failures_total', {}, 'iptables'), undefined);
  assert.deepEqual(samples(counts, 'sync_proxy_rules_iptables_restore_failures_total', {}, 'iptables'), ['2']);
});

test('Services of policy Local whose endpoints are elsewhere are counted by policy', () => {
  const lost = (spec: object) => samples(new ProxyCounts(), 'sync_proxy_rules_no_local_endpoints_total', spec);
  const [internal, external] = ['{traffic_policy=internal}', '{traffic_policy=external}'];
  assert.deepEqual(lost({}), [`${internal} 0`, `${external} 0`]);
  assert.deepEqual(lost({ internalTrafficPolicy: 'Local' }), [`${internal} 1`, `${external} 0`]);
  const outside = { type: 'NodePort', externalTrafficPolicy: 'Local' };
  assert.deepEqual(lost(outside), [`${internal} 0`, `${external} 1`]);
});

test('buckets and codes are those of kube-proxy', () => {
  const counts = new ProxyCounts();
  counts.passes.observe(0.0015);
  for (const [path, status] of [
    ['/healthz', 200],
    ['/healthz', 503],
    ['/livez', 200],
    ['/healthz', 200],
    ['/', 404],
  ] as const)
    counts.answered(path, status);
  const bounds = (name: string) => counts[name === 'passes' ? 'passes' : 'programming'].buckets().map(([le]) => le);
  assert.equal(
    bounds('passes').join(' '),
    '0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384 +Inf',
  );
  assert.equal(bounds('programming').length, 82);
  assert.deepEqual(samples(counts, 'proxy_healthz_total'), ['{code=200} 2', '{code=503} 1']);
  assert.deepEqual(samples(counts, 'proxy_livez_total'), ['{code=200} 1']);
});
