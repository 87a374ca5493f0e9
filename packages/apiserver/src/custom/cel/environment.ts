import { Environment } from '@marcbachmann/cel-js';
import { registerConversions } from './conversion-functions.ts';
import { registerFormats } from './format-functions.ts';
import { registerListExtension } from './list-extension.ts';
import { registerLists } from './list-functions.ts';
import { registerStructs } from './literal-macros.ts';
import { registerMath } from './math-functions.ts';
import { registerAddresses } from './network-functions.ts';
import { registerOptionals } from './optional-functions.ts';
import { registerPairLoops } from './pair-loops.ts';
import { registerMatches } from './regexp-functions.ts';
import { registerText } from './text-functions.ts';
import { registerValues } from './value-functions.ts';
import { registerVersions } from './version-functions.ts';

const LIBRARIES = [
  registerConversions,
  registerMatches,
  registerText,
  registerLists,
  registerListExtension,
  registerPairLoops,
  registerOptionals,
  registerStructs,
  registerMath,
  registerAddresses,
  registerValues,
  registerVersions,
  registerFormats,
];

let kubernetes: Environment | undefined;

/** CEL with the functions of Kubernetes, to declare types and variables in. */
export function newEnvironment(): Environment {
  kubernetes ??= withFunctions();
  return kubernetes.clone();
}

function withFunctions(): Environment {
  const limits = { maxAstNodes: 10_000, maxDepth: 100 };
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
  for (const register of LIBRARIES) register(environment);
  return environment;
}
