import type { ApiObject, ApiRequest, FieldValidation } from '../seam.ts';
import { objectOf } from './body.ts';
import { dryRunOf } from './dry-run.ts';
import { type Writer, type WriteVerb, writerOf } from './field-owner.ts';
import type { PatchType } from './patch-object.ts';
import type { Asker, Target, WriteOptions } from './registry.ts';
import type { ResourcePath } from './request-path.ts';
import { badRequest, failure, methodNotAllowed } from './status.ts';
import type { WrittenPart } from './write-options.ts';

/** Kinds of patches by their content types. */
export const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/json-patch+json': 'json',
  'application/apply-patch+yaml': 'apply',
};

/** The object a path names; throws 405. */
export function targetOf({ kind, namespace, name }: ResourcePath): Target {
  if (!name || (kind.namespaced && !namespace)) throw methodNotAllowed();
  return { kind, namespace, name };
}

const WRITTEN: readonly WrittenPart[] = ['status', 'approval', 'ephemeralcontainers', 'resize'];

/** What the query of a request says about a write; throws 400. */
export function writeOptions(
  request: ApiRequest,
  verb: WriteVerb,
  subresource?: string,
): { options: WriteOptions & { readonly writer: Writer }; warnings: string[] } {
  const { query } = request;
  const fieldValidation = (query.get('fieldValidation') || 'Warn') as FieldValidation;
  if (!['Strict', 'Warn', 'Ignore'].includes(fieldValidation)) {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  const dryRun = dryRunOf(`${verb === 'Apply' ? 'Patch' : verb}Options`, query.getAll('dryRun').filter(Boolean));
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  const writer = writerOf(request, verb, subresource);
  const written = WRITTEN.find((part) => part === subresource);
  return { options: { fieldValidation, dryRun, warn, subresource: written, writer }, warnings };
}

/** Who deletes something; `warnings` become those of the answer. */
export function askerOf({ user, annotate, aside }: ApiRequest): { asker: Asker; warnings: string[] } {
  const warnings: string[] = [];
  return { asker: { user, annotate, aside, warn: (text) => void warnings.push(text) }, warnings };
}

/** Throws 400 where body and path name two objects. */
export function checkName({ metadata }: ApiObject, { name }: Target): void {
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
}

/** Somebody who says which version he has takes the object for one that exists. Kubernetes answers without a reason. */
export function checkNew({ metadata: { resourceVersion = '' } }: ApiObject): void {
  if (/^0*[1-9]\d*$/.test(resourceVersion))
    throw failure(500, '', 'resourceVersion should not be set on objects to be created');
}

/** As checkName. */
export function checkNamespace({ metadata }: ApiObject, namespace: string | undefined): void {
  if (namespace && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** An applied configuration as an object of the stored version, with the name and namespace of the URL. */
export function appliedBody(data: Record<string, unknown>, target: Target, path: ResourcePath): ApiObject {
  const object = objectOf(data, path.kind, path.apiVersion);
  checkName(object, target);
  checkNamespace(object, path.namespace);
  return { ...object, metadata: { ...object.metadata, name: target.name } };
}
