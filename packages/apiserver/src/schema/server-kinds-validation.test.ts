import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { createSchema } from './index.ts';

const schema = createSchema();

function check(name: string, fields: object, old?: object) {
  const kind = KINDS.find((one) => one.kind === name) ?? assert.fail(name);
  const whole = (parts: object) =>
    ({ apiVersion: kind.apiVersion, kind: name, metadata: { name: 'a' }, ...parts }) as ApiObject;
  const asked = { fieldValidation: 'Strict' } as const;
  const before = old && schema.validateAndDefault(kind, whole(old), asked).object;
  const result = schema.validateAndDefault(kind, whole(fields), before ? { ...asked, old: before } : asked);
  return { ...result, fields: result.causes.map(({ field }) => field) };
}

test('drivers and attachments of volumes', () => {
  assert.deepEqual(check('CSIDriver', { spec: {} }).object.spec, {
    ...{ attachRequired: true, fsGroupPolicy: 'ReadWriteOnceWithFSType', podInfoOnMount: false },
    ...{ requiresRepublish: false, seLinuxMount: false, storageCapacity: false, volumeLifecycleModes: ['Persistent'] },
  });
  assert.deepEqual(check('CSIDriver', { spec: { volumeLifecycleModes: ['x'] } }).fields, ['spec.volumeLifecycleModes']);
  const drivers = [{ name: 'd', nodeID: 'n' }];
  assert.deepEqual(check('CSINode', { spec: { drivers: [...drivers, ...drivers] } }).fields, ['spec.drivers[1].name']);
  const attachment = (source: object) => ({ spec: { attacher: 'd', nodeName: 'n', source } });
  const good = attachment({ persistentVolumeName: 'p' });
  assert.deepEqual(check('VolumeAttachment', attachment({})).fields, ['spec.source']);
  assert.deepEqual(check('VolumeAttachment', good).fields, []);
  assert.deepEqual(check('VolumeAttachment', attachment({ persistentVolumeName: 'q' }), good).fields, ['spec']);
});

test('flow control and other API servers', () => {
  const level = (limitResponse: object) => ({ spec: { type: 'Limited', limited: { limitResponse } } });
  assert.deepEqual(check('PriorityLevelConfiguration', level({ type: 'Reject' })).fields, []);
  const field = 'spec.limited.limitResponse.queuing';
  assert.deepEqual(check('PriorityLevelConfiguration', level({ type: 'Queue' })).fields, [field]);
  assert.deepEqual(check('PriorityLevelConfiguration', { spec: { type: 'Limited' } }).fields, ['spec.limited']);
  const schemaOf = (matchingPrecedence: number) => ({
    spec: { priorityLevelConfiguration: { name: 'p' }, matchingPrecedence },
  });
  assert.deepEqual(check('FlowSchema', schemaOf(10_001)).fields, ['spec.matchingPrecedence']);
  const spec = { group: 'x.io', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 };
  assert.deepEqual(check('APIService', { spec }).fields, ['metadata.name']);
  const metadata = { name: 'v1.x.io' };
  const service = { name: 's', namespace: 'n' };
  const other = check('APIService', { metadata, spec: { ...spec, service } });
  assert.deepEqual([other.fields, other.warnings.length], [[], 1]);
  assert.deepEqual((other.object.spec as { service: object }).service, { ...service, port: 443 });
});
