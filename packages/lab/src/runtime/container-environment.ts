import { PodwireError } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import { type Environment, expandVariables } from './environment.ts';
import { type FieldSource, resolveFieldRef } from './field-ref.ts';
import { resourceFieldValue } from './resource-field.ts';

export type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];
type EnvVar = NonNullable<Container['env']>[number];
type EnvFrom = NonNullable<Container['envFrom']>[number];

/** Where referenced ConfigMaps and Secrets come from: key to text, or undefined when there is no such object. */
export interface ReferenceSource {
  configMap(name: string): Promise<Environment | undefined>;
  secret(name: string): Promise<Environment | undefined>;
}

/**
 * The container's variables in Kubernetes' order: `base` (services, HOSTNAME), then envFrom, then env, each env value
 * able to use what came before. Rejects with LAB_CONTAINER_CONFIG when something referenced is missing and not optional.
 */
export async function containerEnvironment(
  container: Container,
  base: Environment,
  source: FieldSource & ReferenceSource,
): Promise<Environment> {
  const env: Record<string, string> = { ...base };
  for (const from of container.envFrom ?? []) Object.assign(env, await variablesFrom(from, source));
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, container, env, source);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function variablesFrom(
  { prefix = '', configMapRef, secretRef }: EnvFrom,
  source: ReferenceSource,
): Promise<Environment> {
  const ref = configMapRef ?? secretRef;
  if (!ref?.name) return {};
  const data = configMapRef ? await source.configMap(ref.name) : await source.secret(ref.name);
  if (!data && !ref.optional) throw missing(`${configMapRef ? 'configmap' : 'secret'} "${ref.name}" not found`);
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [`${prefix}${key}`, value]));
}

async function variableValue(
  variable: EnvVar,
  container: Container,
  env: Environment,
  source: FieldSource & ReferenceSource,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expandVariables(variable.value ?? '', env);
  if (from.fieldRef) {
    const value = resolveFieldRef(from.fieldRef.fieldPath, source);
    if (value === undefined) throw missing(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  if (from.resourceFieldRef) {
    const value = resourceFieldValue(from.resourceFieldRef, source.pod, container);
    if (value === undefined) throw missing(`container ${from.resourceFieldRef.containerName} not found`);
    return value;
  }
  const [kind, ref] = from.configMapKeyRef
    ? (['configmap', from.configMapKeyRef] as const)
    : (['secret', from.secretKeyRef] as const);
  if (!ref?.name) return undefined;
  const data = kind === 'configmap' ? await source.configMap(ref.name) : await source.secret(ref.name);
  const value = data && Object.hasOwn(data, ref.key) ? data[ref.key] : undefined;
  if (value !== undefined || ref.optional) return value;
  throw missing(data ? `couldn't find key ${ref.key} in ${kind} ${ref.name}` : `${kind} "${ref.name}" not found`);
}

function missing(what: string): PodwireError {
  return new PodwireError('LAB_CONTAINER_CONFIG', what);
}
