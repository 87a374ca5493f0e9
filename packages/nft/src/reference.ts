import type { Expression, Rule, Statement } from './model.ts';

/** The names of the sets and maps a rule uses. */
export function setsUsedBy(rule: Rule): Set<string> {
  const names = new Set<string>();
  const walk = (e: Expression): void => {
    if (e.kind === 'map') {
      names.add(e.map);
      walk(e.key);
    }
    if (e.kind === 'concat') e.parts.forEach(walk);
    if (e.kind === 'bitwise' || e.kind === 'jhash') walk(e.of);
  };
  for (const s of rule.statements) {
    if ('set' in s) names.add(s.set);
    if (s.kind === 'vmap') names.add(s.map);
    for (const e of expressionsOf(s)) walk(e);
  }
  return names;
}

/** The expressions directly inside a statement. */
export function expressionsOf(statement: Statement): Expression[] {
  switch (statement.kind) {
    case 'match':
      return [statement.left];
    case 'lookup':
    case 'vmap':
      return [statement.key];
    case 'set-mark':
    case 'set-ct-mark':
      return [statement.to];
    case 'dnat':
    case 'snat':
      return statement.port ? [statement.to, statement.port] : [statement.to];
    case 'update':
      return statement.data ? [statement.key, statement.data] : [statement.key];
    default:
      return [];
  }
}
