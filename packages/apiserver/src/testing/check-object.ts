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
