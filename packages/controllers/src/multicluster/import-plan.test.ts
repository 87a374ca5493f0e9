import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { type ExportedService, planImport } from './import-plan.ts';

type Spec = NonNullable<ObjectOf<'Service'>['spec']>;

/** `age`: the second of its creation. */
function exported(cluster: string, age: number, spec: Spec): ExportedService {
  const metadata = { namespace: 'shop', name: 'web' };
  const creationTimestamp = `2026-01-01T00:00:0${age}Z` as never;
  return {
    cluster,
    exported: { metadata: { ...metadata, creationTimestamp } },
    service: { metadata, spec: { clusterIP: '10.0.0.1', ipFamilies: ['IPv4'], ...spec } },
  };
}

const http = { name: 'http', port: 80, protocol: 'TCP' };
const dns = { name: 'dns', port: 53, protocol: 'UDP', appProtocol: 'example.com/dns' };

test('one export: what its Service says, without what is its cluster’s own', () => {
  const spec: Spec = {
    ports: [{ ...http, targetPort: 'web' as never, nodePort: 30000 }, dns],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    internalTrafficPolicy: 'Cluster',
    type: 'NodePort',
  };
  assert.deepEqual(planImport([exported('a', 1, spec)]), {
    spec: {
      type: 'ClusterSetIP',
      ports: [http, dns],
      ipFamilies: ['IPv4'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      internalTrafficPolicy: 'Cluster',
    },
    clusters: ['a'],
    conflicts: [],
    metadata: { labels: {}, annotations: {} },
  });
  const headless = planImport([exported('a', 1, { clusterIP: 'None', ports: [http] })]);
  assert.deepEqual(headless?.spec, { type: 'Headless', ports: [http], ipFamilies: ['IPv4'] });
  assert.equal(planImport([]), undefined);
});

test('several exports: all ports, the oldest counts for the rest, and what differs is said', () => {
  const young = exported('a', 2, { ports: [{ ...http, port: 8080 }, dns], sessionAffinity: 'ClientIP' });
  const old = exported('b', 1, { ports: [http], ipFamilies: ['IPv6'] });
  const plan = planImport([young, old]);
  assert.deepEqual(plan, planImport([old, young]), 'the order of clusters is of no meaning');
  assert.deepEqual(plan?.spec.ports, [http, dns]);
  assert.deepEqual([plan?.spec.sessionAffinity, plan?.spec.ipFamilies], ['None', ['IPv6', 'IPv4']]);
  assert.deepEqual(plan?.clusters, ['a', 'b']);
  assert.deepEqual(plan?.conflicts, ['PortConflict', 'SessionAffinityConflict', 'IPFamilyConflict']);
});

test('no two ports of one name or one number; of one age, the name of the cluster decides', () => {
  const plan = planImport([
    exported('b', 1, { clusterIP: 'None', ports: [{ ...http, name: 'web' }] }),
    exported('a', 1, { ports: [http, { name: 'more', port: 81 }] }),
  ]);
  assert.equal(plan?.spec.type, 'ClusterSetIP');
  assert.deepEqual(plan?.spec.ports, [http, { name: 'more', port: 81, protocol: 'TCP' }]);
  assert.deepEqual(plan?.conflicts, ['PortConflict', 'TypeConflict']);
});

test('Services that say the same in another order agree', () => {
  const plan = planImport([exported('a', 1, { ports: [http, dns] }), exported('b', 2, { ports: [dns, http] })]);
  assert.deepEqual(plan?.conflicts, []);
});

test('labels and annotations are those of the oldest export', () => {
  const labelled = (age: number, team: string): ExportedService => {
    const { exported: made, ...rest } = exported(`of-${team}`, age, { ports: [http] });
    const spec = { exportedLabels: { team }, exportedAnnotations: { note: 'same' } };
    return { ...rest, exported: { ...made, spec } };
  };
  const plan = planImport([labelled(2, 'a'), labelled(1, 'b')]);
  assert.deepEqual(plan?.metadata, { labels: { team: 'b' }, annotations: { note: 'same' } });
  assert.deepEqual(plan?.conflicts, ['LabelsConflict']);
});
