import type { Environment } from '@marcbachmann/cel-js';
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

const known = new Map<string, Environment>();

/** The same one for the same scope. */
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
