import { Environment } from '@marcbachmann/cel-js';
import { registerLists } from './list-functions.ts';
import { registerAddresses } from './network-functions.ts';
import { registerMatches } from './regexp-functions.ts';
import { registerText } from './text-functions.ts';
import { registerValues } from './value-functions.ts';

let kubernetes: Environment | undefined;

/** CEL with the functions of Kubernetes, to declare types and variables in. */
export function newEnvironment(): Environment {
  kubernetes ??= withFunctions();
  return kubernetes.clone();
}

function withFunctions(): Environment {
  const limits = { maxAstNodes: 10_000, maxDepth: 100 };
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
  for (const register of [registerMatches, registerText, registerLists, registerAddresses, registerValues]) {
    register(environment);
  }
  return environment;
}
