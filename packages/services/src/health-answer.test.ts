import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import { proxyHealth, serviceHealth } from './health-answer.ts';
import type { EndpointModel, ServiceModel } from './model.ts';

const endpoint = (last: number, rest: Partial<EndpointModel> = {}): EndpointModel => ({
  address: parseIp(`10.0.0.${last}`),
  port: 80,
  ready: true,
  fallback: false,
  local: true,
  maybeLocal: true,
  ...rest,
});
const service = (...endpoints: EndpointModel[]): ServiceModel => ({
  namespace: 'n',
  name: 's',
  clusterAddresses: [],
  externalAddresses: [],
  loadBalancerAddresses: [],
  affinitySeconds: 0,
  internalLocal: false,
  externalLocal: true,
  ports: [
    { name: 'a', protocol: 'tcp', port: 80, endpoints },
    { name: 'b', protocol: 'tcp', port: 81, endpoints },
  ],
});
const HEALTHY = { current: true, eligible: true };

test('a node with local endpoints that are ready may be sent to; each counts once (SVC-15)', () => {
  assert.deepEqual(serviceHealth(service(endpoint(1), endpoint(2)), HEALTHY), {
    status: 200,
    headers: { 'x-load-balancing-endpoint-weight': '2' },
    body: { service: { namespace: 'n', name: 's' }, localEndpoints: 2, serviceProxyHealthy: true },
  });
});

test('terminating endpoints, those of other nodes and stale rules do not count', () => {
  const terminating = endpoint(1, { ready: false, fallback: true });
  assert.equal(serviceHealth(service(terminating, endpoint(2, { local: false })), HEALTHY).status, 503);
  const stale = serviceHealth(service(endpoint(1)), { current: false, eligible: true });
  assert.deepEqual(
    [stale.status, stale.body],
    [503, { service: { namespace: 'n', name: 's' }, localEndpoints: 1, serviceProxyHealthy: false }],
  );
});

test('healthz drains a node that goes, livez does not care (SVC-16)', () => {
  const status = (path: string, current: boolean, eligible: boolean) =>
    proxyHealth(path, { current, eligible }, 0).status;
  assert.deepEqual([status('/healthz', true, true), status('/livez', true, true)], [200, 200]);
  assert.deepEqual([status('/healthz', true, false), status('/livez', true, false)], [503, 200]);
  assert.deepEqual([status('/healthz', false, true), status('/livez', false, true)], [503, 503]);
  assert.equal(status('/', true, true), 404);
  assert.deepEqual(proxyHealth('/healthz', { ...HEALTHY, updated: 1000 }, 2000).body, {
    lastUpdated: '1970-01-01T00:00:01.000Z',
    currentTime: '1970-01-01T00:00:02.000Z',
    nodeEligible: true,
  });
});
