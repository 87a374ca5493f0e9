import type { Environment } from '@marcbachmann/cel-js';
import { patternOf } from '../pattern/index.ts';
import { spend } from './budget.ts';
import type { Node } from './syntax-tree.ts';

const MATCHES = 'matchesPattern';

/** The library's own `matches` may take for ever: calls of it are made calls of one that does not. */
export function useOwnMatches(node: Node): void {
  if (node.op === 'rcall' && Array.isArray(node.args) && node.args[0] === 'matches') node.args[0] = MATCHES;
}

/** `matches`, and what Kubernetes adds: `find` and `findAll`. */
export function registerMatches(environment: Environment): void {
  environment.registerFunction(`string.${MATCHES}(string): bool`, (text: string, pattern: string) => {
    spend((text.length * pattern.length) / 40);
    return patternOf(pattern).test(text);
  });
  const found = (text: string, pattern: string, limit: number) => {
    spend(text.length / 10);
    return patternOf(pattern).find(text, limit, (steps) => spend(steps / 5));
  };
  environment
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => found(text, pattern, 1)[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      found(text, pattern, Number.POSITIVE_INFINITY),
    )
    .registerFunction('string.findAll(string, int): list<string>', (text: string, pattern: string, limit: bigint) =>
      found(text, pattern, limit < 0n ? Number.POSITIVE_INFINITY : Number(limit)),
    );
}
