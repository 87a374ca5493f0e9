import type { Kind, Subresource } from '@podwire/kube';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from 'kubernetes-types/apiextensions/v1.js';
import type { ApiObject } from '../../seam.ts';
import type { JsonSchema } from '../json-schema.ts';
import { compareVersions } from './version-order.ts';

/** One version of a custom resource. */
export interface CustomVersion {
  readonly name: string;
  readonly apiVersion: string;
  /** An empty one keeps everything. */
  readonly schema: JsonSchema;
  /** What a deprecated version says with every answer. */
  readonly warning: string | undefined;
  readonly columns: readonly PrinterColumn[];
  /** Paths without the leading dot: `spec.color`. */
  readonly selectableFields: readonly string[];
  readonly scale: ScalePaths | undefined;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** A CustomResourceDefinition as the server uses it. */
export interface CustomDefinition {
  readonly kind: Kind;
  /** Served ones by apiVersion. */
  readonly versions: ReadonlyMap<string, CustomVersion>;
  /** New objects are refused. */
  readonly terminating: boolean;
}

export const asDefinition = (object: ApiObject) =>
  object as unknown as CustomResourceDefinition & Required<Pick<CustomResourceDefinition, 'metadata'>>;

/** Undefined for a definition that serves nothing. */
export function definitionOf(object: ApiObject): CustomDefinition | undefined {
  const { metadata, spec, status } = asDefinition(object);
  const served = spec.versions.filter((version) => version.served).sort((a, b) => compareVersions(a.name, b.name));
  // Versions have the same fields (conversion None): any that is served will do for what is stored.
  const stored = served.find(({ storage }) => storage) ?? served[0];
  if (!stored) return undefined;
  const names = status?.acceptedNames?.plural ? status.acceptedNames : spec.names;
  const { group } = spec;
  const versions = served.map((version) => versionOf(group, names.kind, version));
  const apiVersion = `${group}/${stored.name}`;
  const kind: Kind = {
    id: `${spec.names.plural}.${group}`,
    kind: names.kind,
    group,
    version: stored.name,
    apiVersion,
    otherVersions: versions.map((version) => version.apiVersion).filter((other) => other !== apiVersion),
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    namespaced: spec.scope === 'Namespaced',
    categories: names.categories ?? [],
    subresources: subresourcesOf(served),
    hasGeneration: true,
    isReadOnly: false,
  };
  const terminating = metadata.deletionTimestamp !== undefined;
  return { kind, versions: new Map(versions.map((version) => [version.apiVersion, version])), terminating };
}

function versionOf(group: string, kind: string, version: CustomResourceDefinitionVersion): CustomVersion {
  const { name, deprecated, deprecationWarning, schema, additionalPrinterColumns, subresources } = version;
  const { selectableFields = [] } = version as { selectableFields?: readonly { jsonPath: string }[] };
  const apiVersion = `${group}/${name}`;
  return {
    name,
    apiVersion,
    schema: (schema?.openAPIV3Schema ?? {}) as JsonSchema,
    warning: deprecated ? (deprecationWarning ?? `${apiVersion} ${kind} is deprecated`) : undefined,
    columns: additionalPrinterColumns ?? [],
    selectableFields: selectableFields.map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    scale: subresources?.scale,
  };
}

function subresourcesOf(versions: readonly CustomResourceDefinitionVersion[]): readonly Subresource[] {
  return (['status', 'scale'] as const).filter((name) => versions.some(({ subresources }) => subresources?.[name]));
}
