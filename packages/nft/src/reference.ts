import type { Expression, Rule, Statement } from './model.ts';

/** What a rule refers to: `set s`, `flowtable f`, `counter c`, ... */
export function usesOf(rule: Rule): Set<string> {
  const names = new Set<string>();
  for (const s of rule.statements) {
    if ('set' in s) names.add(`set ${s.set}`);
    if (s.kind === 'vmap' || s.kind === 'objref-map') names.add(`set ${s.map}`);
    if (s.kind === 'flow-add') names.add(`flowtable ${s.flowtable}`);
    if (s.kind === 'objref') names.add(`${s.type} ${s.name}`);
    for (const e of expressionsOf(s).flatMap(partsOf)) if (e.kind === 'map') names.add(`set ${e.map}`);
  }
  return names;
}

/** The expressions directly inside a statement. */
export function expressionsOf(statement: Statement): Expression[] {
  switch (statement.kind) {
    case 'match':
      return [statement.left];
    case 'lookup':
    case 'anonymous-lookup':
    case 'vmap':
    case 'anonymous-vmap':
    case 'objref-map':
      return [statement.key];
    case 'set-mark':
    case 'set-ct-mark':
    case 'set-meta':
    case 'set-ct':
    case 'set-extension':
    case 'queue':
      return [statement.to];
    case 'dnat':
    case 'snat':
      return statement.port ? [statement.to, statement.port] : [statement.to];
    case 'update':
      return statement.data ? [statement.key, statement.data] : [statement.key];
    case 'set-payload':
      return [{ kind: 'payload', field: statement.field }, statement.to];
    case 'dup':
    case 'fwd':
      return [statement.to, statement.device].filter((e) => e !== undefined);
    default:
      return [];
  }
}

/** The expression itself, and all that it is computed from. */
export function partsOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case 'concat':
      return [expression, ...expression.parts.flatMap(partsOf)];
    case 'map':
    case 'anonymous-map':
      return [expression, ...partsOf(expression.key)];
    case 'bitwise':
    case 'shift':
    case 'jhash':
      return [expression, ...partsOf(expression.of)];
    default:
      return [expression];
  }
}
