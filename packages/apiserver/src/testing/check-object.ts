import assert from 'node:assert/strict';
import { type KindName, kindNamed } from '@podwire/kube';
import { createSchema } from '../schema/index.ts';
import type { ApiObject, Validated } from '../seam.ts';

const schema = createSchema();

/** What the schema makes of an object named `x` with these fields, as a change of `old` when there is one. */
export function checkObject(kind: KindName, fields: object, old?: object): Validated {
  const { apiVersion } = kindNamed(kind);
  const whole = (one: object) =>
    ({ apiVersion, kind, metadata: { name: 'x', namespace: 'n', uid: 'u' }, ...one }) as ApiObject;
  const options = { fieldValidation: 'Strict' } as const;
  return schema.validateAndDefault(kindNamed(kind), whole(fields), old ? { ...options, old: whole(old) } : options);
}

/** `field: message` of everything wrong with an object that can be decoded. */
export function wrongWith(kind: KindName, fields: object, old?: object): readonly string[] {
  const { causes, unknown, decodeError } = checkObject(kind, fields, old);
  assert.deepEqual([unknown, decodeError], [[], undefined]);
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** `field: message` of everything wrong with a write of a part of a pod, between two specs. */
export function checkPart(
  subresource: string,
  next: object,
  old: object,
  metadata: object = {},
  status?: object,
): readonly string[] {
  const kind = kindNamed('Pod');
  const named = { name: 'x', namespace: 'n', uid: 'u', ...metadata };
  const whole = (spec: object) =>
    ({ apiVersion: 'v1', kind: 'Pod', metadata: named, spec, ...(status ? { status } : {}) }) as ApiObject;
  const stored = schema.validateAndDefault(kind, whole(old), { fieldValidation: 'Strict' }).object;
  const { causes } = schema.validateAndDefault(
    kind,
    { ...stored, spec: next },
    { fieldValidation: 'Strict', old: stored, subresource },
  );
  return causes.map(({ field, message }) => `${field}: ${message}`);
}
