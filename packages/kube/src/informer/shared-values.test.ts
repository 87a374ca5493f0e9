import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SharedValues } from './shared-values.ts';
import { slimObject } from './slim-object.ts';

const service = (n: number) => ({
  kind: 'Service',
  metadata: { name: `s${n}`, uid: `uid-${n}`, labels: { app: `s${n}` } },
  spec: { clusterIP: `10.96.0.${n}`, ports: [{ port: 80, protocol: 'TCP' }], families: ['IPv4'] },
});

test('equal parts of objects are one; what differs stays as it is', () => {
  const values = new SharedValues();
  const all = Array.from({ length: 300 }, (_, n) => values.share(service(n)));
  assert.deepEqual(
    all,
    Array.from({ length: 300 }, (_, n) => service(n)),
  );
  const [first, last] = [all[0], all[299]];
  assert.equal(first?.spec.ports, last?.spec.ports);
  assert.equal(first?.spec.families, last?.spec.families);
  assert.notEqual(first?.metadata, last?.metadata);
});

test('no object changes by it, whatever it is and came before it', () => {
  const values = new SharedValues();
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const before = JSON.stringify(object);
      assert.equal(JSON.stringify(values.share(object)), before);
    }),
    { numRuns: 300 },
  );
});

test('objects that are somebody else’s are left alone; of others goes what only editors need', () => {
  const last = 'kubectl.kubernetes.io/last-applied-configuration';
  const make = () => ({
    metadata: { name: 'a', managedFields: [{}], selfLink: 'x', annotations: { [last]: '{}', own: '1' } },
  });
  assert.deepEqual(slimObject(make()), { metadata: { name: 'a', annotations: { own: '1' } } });
  const frozen = Object.freeze({ metadata: Object.freeze(make().metadata) });
  assert.deepEqual(slimObject(frozen), make());
  const values = new SharedValues();
  assert.equal(values.share(frozen), frozen);
});
