import type { PodwireError } from '@podwire/base';
import { cloneJson, type Kind } from '@podwire/kube';
import type { ApiObject, Schema } from '../seam.ts';
import { fieldPaths, LEAF } from './field-set.ts';
import { itemElement, mapKeysOf } from './list-items.ts';
import { isObject, type JsonObject } from './patches.ts';
import { badRequest, failure } from './status.ts';
import type { RuleAt } from './strategic-patch.ts';

interface Applied {
  readonly body: unknown;
  readonly schema: Schema;
  readonly subresource?: string | undefined;
}

/** The body of an apply request, without what this endpoint does not write; throws for what cannot be merged. */
export function appliedObject(kind: Kind, { body, schema, subresource }: Applied): JsonObject {
  if (!isObject(body)) throw badRequest('error decoding YAML: the body is not an object');
  if (body.kind !== kind.kind) throw badRequest(`invalid object type: ${body.apiVersion}, Kind=${body.kind}`);
  const metadata = isObject(body.metadata) ? body.metadata : {};
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0)
    throw badRequest('metadata.managedFields must be nil');
  const { managedFields: _, ...said } = metadata;
  const applied: JsonObject = { ...cloneJson(body), metadata: cloneJson(said) };
  const { unknown, decodeError } = schema.validateAndDefault(kind, applied as unknown as ApiObject, {
    fieldValidation: 'Strict',
  });
  if (decodeError !== undefined) throw untyped(kind, applied, [decodeError]);
  const undeclared = unknown.map(
    (text) => `${text.replace(/^unknown field "(.*)"$/, '.$1')}: field not declared in schema`,
  );
  const faults = [...undeclared, ...listFaults(applied, [], (path) => schema.mergeRule(kind, path))];
  if (faults.length > 0) throw untyped(kind, applied, faults);
  return written(kind, applied, subresource);
}

/** The status is written through its subresource, everything else is not. */
function written(kind: Kind, applied: JsonObject, subresource: string | undefined): JsonObject {
  if (!kind.subresources.includes('status')) return applied;
  const { status, ...rest } = applied;
  if (subresource !== 'status') return rest;
  const { apiVersion, metadata } = applied;
  const { spec: _, labels: __, ...said } = metadata as JsonObject;
  return { apiVersion, kind: kind.kind, metadata: said, ...(status === undefined ? {} : { status }) };
}

/** The Kubernetes API server answers 500 here, without a reason. */
function untyped({ group, version, kind }: Kind, { metadata }: JsonObject, faults: readonly string[]): PodwireError {
  const { namespace = '', name = '' } = metadata as { namespace?: unknown; name?: unknown };
  const why = faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  const what = `${String(namespace)}/${String(name)}; ${group}/${version}, Kind=${kind}`;
  return failure(500, '', `failed to create typed patch object (${what}): ${why}`);
}

/** Items of lists that cannot be told apart. */
function listFaults(value: unknown, path: readonly string[], ruleAt: RuleAt): string[] {
  if (Array.isArray(value))
    return [...itemFaults(value, path, ruleAt), ...value.flatMap((item) => membersFaults(item, path, ruleAt))];
  return membersFaults(value, path, ruleAt);
}

function membersFaults(value: unknown, path: readonly string[], ruleAt: RuleAt): string[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([field, member]) => listFaults(member, [...path, field], ruleAt));
}

function itemFaults(list: readonly unknown[], path: readonly string[], ruleAt: RuleAt): string[] {
  const rule = ruleAt(path);
  const keys = mapKeysOf(rule) ?? [];
  const seen = new Set<string>();
  const at = `.${path.join('.')}`;
  return list.flatMap((item, i) => {
    const element = itemElement(item, rule);
    if (element === undefined) return [];
    const named = JSON.parse(element.slice(2)) as unknown;
    const missing = keys.find((key) => isObject(named) && named[key] === undefined);
    if (missing !== undefined)
      return [
        `${at}: element ${i}: associative list with keys has an element that omits key field ${JSON.stringify(missing)}`,
      ];
    if (seen.has(element)) return [`${at}: duplicate entries for key ${fieldPaths({ [element]: LEAF })[0]}`];
    seen.add(element);
    return [];
  });
}
