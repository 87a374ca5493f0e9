import { equalJson } from '@podwire/kube';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from 'kubernetes-types/apiextensions/v1.js';
import type { FieldErrors } from '../../schema/field-errors.ts';
import { dnsLabel1035, dnsSubdomain } from '../../schema/names.ts';
import type { JsonSchema } from '../json-schema.ts';
import { APPROVED, approvalOf } from './api-approval.ts';
import { validateRules } from './rule-field-validation.ts';
import { validateSchema } from './schema-validation.ts';
import { validateVersion } from './version-validation.ts';

type Spec = CustomResourceDefinition['spec'];

/** Checks what a definition says of itself. */
export function validateDefinition(definition: CustomResourceDefinition, errors: FieldErrors): void {
  const { metadata, spec } = definition;
  if (!spec) errors.required('spec');
  else if (!spec.names) for (const name of ['plural', 'kind']) errors.required(`spec.names.${name}`);
  if (!spec?.names || !Array.isArray(spec.versions)) return;
  const { group, names } = spec;
  if (metadata?.name !== `${names.plural}.${group}`) {
    errors.invalid('metadata.name', metadata?.name ?? '', 'must be spec.names.plural+"."+spec.group');
  }
  if (group) {
    errors.invalidEach('spec.group', group, dnsSubdomain(group));
    if (!group.includes('.')) errors.invalid('spec.group', group, 'should be a domain with at least one dot');
  }
  validateApproval(group ?? '', metadata?.annotations?.[APPROVED], errors);
  validateNames(names, errors);
  validateVersions(spec, errors);
  validateSchemas(spec, errors);
}

/** Groups of Kubernetes itself are for definitions that its people have looked at, or that say they have not. */
function validateApproval(group: string, annotation: string | undefined, errors: FieldErrors): void {
  const { state, why = '' } = approvalOf(group, annotation) ?? {};
  const field = `metadata.annotations[${APPROVED}]`;
  if (state === 'missing') errors.required(field, why);
  if (state === 'invalid') errors.invalid(field, annotation, why);
}

function validateNames(names: CustomResourceDefinitionNames, errors: FieldErrors): void {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names;
  const check = (field: string, name: string | undefined, text = name) => {
    if (name) errors.invalidEach(`spec.names.${field}`, name, dnsLabel1035(text ?? ''));
  };
  check('plural', plural);
  check('singular', singular);
  check('kind', kind, kind?.toLowerCase());
  check('listKind', listKind, listKind?.toLowerCase());
  for (const [index, name] of shortNames.entries()) check(`shortNames[${index}]`, name);
  for (const [index, name] of categories.entries()) check(`categories[${index}]`, name);
  if (kind && kind === listKind)
    errors.invalid('spec.names.listKind', listKind, 'kind and listKind may not be the same');
}

function validateVersions(spec: Spec, errors: FieldErrors): void {
  const { versions, conversion, preserveUnknownFields } = spec;
  const names = versions.map(({ name }) => name);
  if (new Set(names).size !== names.length) {
    errors.invalid('spec.versions', names, 'must contain unique version names');
  }
  if (versions.length > 0 && versions.filter(({ storage }) => storage).length !== 1) {
    errors.invalid('spec.versions', names, 'must have exactly one version marked as storage version');
  }
  if (preserveUnknownFields) {
    errors.invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema');
  }
  if (conversion?.strategy === 'Webhook') errors.unsupported('spec.conversion.strategy', 'Webhook', ['None']);
  versions.forEach((version, index) => {
    validateVersion(version, `spec.versions[${index}]`, errors);
  });
}

function validateSchemas({ versions }: Spec, errors: FieldErrors): void {
  const schemas = versions.map(({ schema }) => schema?.openAPIV3Schema as JsonSchema | undefined);
  // Kubernetes keeps a schema all versions have in one place, and reports it there.
  const isShared = schemas.every((schema) => equalJson(schema, schemas[0]));
  schemas.forEach((schema, index) => {
    if (isShared && index > 0) return;
    const at = isShared ? 'spec.validation.openAPIV3Schema' : `spec.versions[${index}].schema.openAPIV3Schema`;
    if (!schema) {
      errors.required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required');
      return;
    }
    const before = errors.causes.length;
    validateSchema(schema, at, errors);
    if (errors.causes.length === before) validateRules(schema, at, errors);
  });
}

/** Checks what may not change. */
export function validateDefinitionUpdate(
  next: CustomResourceDefinition,
  old: CustomResourceDefinition,
  errors: FieldErrors,
): void {
  const immutable = (field: string, is: string | undefined, was: string | undefined) => {
    if (was && is !== was) errors.invalid(`spec.${field}`, is, 'field is immutable');
  };
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  immutable('group', next.spec?.group, old.spec?.group);
  immutable('names.plural', next.spec?.names?.plural, old.spec?.names?.plural);
  if (established) {
    immutable('scope', next.spec?.scope, old.spec?.scope);
    immutable('names.kind', next.spec?.names?.kind, old.spec?.names?.kind);
  }
  const names = (next.spec?.versions ?? []).map(({ name }) => name);
  next.status?.storedVersions?.forEach((name, index) => {
    if (names.includes(name)) return;
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.invalid(`status.storedVersions[${index}]`, name, why);
  });
}
