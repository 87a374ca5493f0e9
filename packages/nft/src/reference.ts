import type { Expression, Rule, Statement } from './model.ts';

/** What a rule refers to: `set s`, `flowtable f`, `counter c`, ... */
export function usesOf(rule: Rule): Set<string> {
  const names = new Set<string>();
  const walk = (e: Expression): void => {
    if (e.kind === 'map') {
      names.add(`set ${e.map}`);
      walk(e.key);
    }
    if (e.kind === 'concat') e.parts.forEach(walk);
    if (e.kind === 'anonymous-map') walk(e.key);
    if (e.kind === 'bitwise' || e.kind === 'shift' || e.kind === 'jhash') walk(e.of);
  };
  for (const s of rule.statements) {
    if ('set' in s) names.add(`set ${s.set}`);
    if (s.kind === 'vmap' || s.kind === 'objref-map') names.add(`set ${s.map}`);
    if (s.kind === 'flow-add') names.add(`flowtable ${s.flowtable}`);
    if (s.kind === 'objref') names.add(`${s.type} ${s.name}`);
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
