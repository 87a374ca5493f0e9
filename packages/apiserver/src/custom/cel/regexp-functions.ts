import type { Environment } from '@marcbachmann/cel-js';
import { patternOf } from '../pattern/index.ts';
import { spend } from './budget.ts';
import type { Node } from './syntax-tree.ts';

const MATCHES = 'matchesPattern';

/** The library's own `matches` may take for ever: calls of it are made calls of one that does not. */
export function useOwnMatches(node: Node): void {
  if (node.op === 'rcall' && Array.isArray(node.args) && node.args[0] === 'matches') node.args[0] = MATCHES;
}

export function registerMatches(environment: Environment): void {
  environment.registerFunction(`string.${MATCHES}(string): bool`, (text: string, pattern: string) => {
    spend((text.length * pattern.length) / 40);
    return patternOf(pattern).test(text);
  });
}
