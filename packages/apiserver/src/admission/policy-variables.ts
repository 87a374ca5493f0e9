import { type Facts, failureText, type PolicyExpressions } from './policy-expressions.ts';

/** Each is evaluated when it is first asked for; whoever asks for one that cannot be, cannot be evaluated either. */
export function lazyVariables(
  { variables }: Pick<PolicyExpressions, 'variables'>,
  factsOf: () => Facts,
): Map<string, unknown> {
  const known = new Map<string, unknown>();
  const get = (name: string): unknown => {
    const variable = variables.find((one) => one.name === name);
    if (!variable || known.has(name)) return known.get(name);
    try {
      known.set(name, variable.run(factsOf()));
    } catch (error) {
      throw new Error(`composited variable "${name}" fails to evaluate: ${failureText(error)}`, { cause: error });
    }
    return known.get(name);
  };
  return Object.assign(new Map<string, unknown>(), { get });
}
