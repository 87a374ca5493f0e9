import type { Environment, ObjectSchema } from '@marcbachmann/cel-js';
import { newEnvironment } from '../custom/cel/environment.ts';
import { registerAuthorizer } from './cel-authorizer.ts';
import { registerPatchTypes } from './mutations/patch-values.ts';

/** What an expression may speak of beside `object`, `oldObject` and `request`. */
export interface Scope {
  readonly namespaceObject?: boolean;
  readonly params?: boolean;
  readonly variables?: boolean;
  readonly authorizer?: boolean;
  /** `Object` and `JSONPatch`. */
  readonly patches?: boolean;
}

const GROUP_VERSION = { group: 'string', version: 'string' };
const METADATA = {
  ...{ name: 'string', generateName: 'string', namespace: 'string', UID: 'string', resourceVersion: 'string' },
  ...{ labels: 'map<string, string>', annotations: 'map<string, string>', finalizers: 'list<string>' },
  ...{ creationTimestamp: 'google.protobuf.Timestamp', deletionTimestamp: 'google.protobuf.Timestamp' },
  ...{ deletionGracePeriodSeconds: 'int', generation: 'int' },
};
/** What is known of the types of what is not an object or a parameter. */
const SCHEMAS: Readonly<Record<string, ObjectSchema>> = {
  request: {
    ...{ name: 'string', namespace: 'string', operation: 'string', dryRun: 'bool', options: 'dyn' },
    ...{ kind: { ...GROUP_VERSION, kind: 'string' }, requestKind: { ...GROUP_VERSION, kind: 'string' } },
    resource: { ...GROUP_VERSION, resource: 'string' },
    requestResource: { ...GROUP_VERSION, resource: 'string' },
    ...{ subResource: 'string', requestSubResource: 'string' },
    userInfo: { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' },
  },
  namespaceObject: {
    metadata: METADATA,
    ...{ spec: { finalizers: 'list<string>' }, status: { conditions: 'list<dyn>', phase: 'string' } },
  },
};

const known = new Map<string, Environment>();

/** The same one for the same scope; all but `authorizer` is of any type. */
export function environmentOf(scope: Scope): Environment {
  const { authorizer = false, patches = false } = scope;
  const optional = (['namespaceObject', 'params', 'variables'] as const).filter((name) => scope[name]);
  const key = [...optional, authorizer, patches].join();
  const environment = known.get(key) ?? newEnvironment();
  if (known.has(key)) return environment;
  for (const name of ['object', 'oldObject', 'request', ...optional]) environment.registerVariable(name, 'dyn');
  if (authorizer) registerAuthorizer(environment);
  if (patches) registerPatchTypes(environment);
  known.set(key, environment);
  return environment;
}

let typed: Environment | undefined;

/** Of all scopes, to tell types of sound expressions in, with those of variables; not to run them. */
export function typedEnvironment(variables: Readonly<Record<string, string>>): Environment {
  typed ??= withTypes();
  return typed.clone().registerVariable('variables', { schema: variables });
}

function withTypes(): Environment {
  const environment = newEnvironment();
  for (const name of ['object', 'oldObject', 'params']) environment.registerVariable(name, 'dyn');
  for (const [name, schema] of Object.entries(SCHEMAS)) environment.registerVariable(name, { schema });
  registerAuthorizer(environment);
  registerPatchTypes(environment);
  return environment;
}
