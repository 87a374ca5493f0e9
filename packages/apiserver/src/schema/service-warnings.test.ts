import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { serviceWarnings } from './service-warnings.ts';

const CASES: readonly [ServiceSpec, readonly string[]][] = [
  [{ type: 'ClusterIP', clusterIPs: ['10.0.0.1', 'fd00::1'], sessionAffinity: 'ClientIP' }, []],
  [
    { clusterIPs: ['FD00:0::1'] },
    ['spec.clusterIPs[0]: IPv6 address "FD00:0::1" should be in RFC 5952 canonical format ("fd00::1")'],
  ],
  [
    { type: 'ClusterIP', clusterIP: 'None', sessionAffinity: 'ClientIP', loadBalancerIP: '10.0.0.1' },
    ['spec.loadBalancerIP is ignored for headless services', 'spec.SessionAffinity is ignored for headless services'],
  ],
  [
    { type: 'ExternalName', externalName: 'a.b', externalIPs: ['192.0.2.1'] },
    ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
  ],
  [
    { type: 'ClusterIP', externalName: 'a.b', externalIPs: ['192.0.2.1'] },
    [
      'spec.externalName is ignored when spec.type is not "ExternalName"',
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ],
  ],
  [
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.1.2.3/8', '10.0.0.0/8'] },
    [
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
    ],
  ],
  [
    { trafficDistribution: 'PreferClose' },
    ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  ],
];

for (const [spec, expected] of CASES) {
  test(`warns of ${JSON.stringify(spec)}`, () => assert.deepEqual(serviceWarnings({ spec }), expected));
}

test('warns of the old name of an annotation', () => {
  const annotations = { 'service.kubernetes.io/topology-aware-hints': 'auto' };
  assert.deepEqual(serviceWarnings({ metadata: { annotations }, spec: {} }), [
    'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
  ]);
});
