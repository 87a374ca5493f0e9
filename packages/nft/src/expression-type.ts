import { TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import { EXTENSIONS } from './extension-field.ts';
import { FIELDS } from './header-field.ts';
import type { DataType, Expression, NamedSet, Table } from './model.ts';
import { CT, META, RT, SOCKET } from './packet-key.ts';

export { EXTENSIONS } from './extension-field.ts';
export { FIELDS, type FieldInfo, type HeaderNeed } from './header-field.ts';
export { CT, META, RT, SOCKET } from './packet-key.ts';

const FIB_TYPES = { type: 'fib_addrtype', oif: 'iface_index', oifname: 'ifname' } as const;

export function setNamed(table: Table, name: string): NamedSet {
  const set = table.sets.find((s) => s.name === name);
  if (!set) throw nftError('NFT_BAD_RULESET', `table ${table.name} has no set or map "${name}", but a rule uses it`);
  return set;
}

/** The types an expression yields: one, or one per part of a concatenation; undefined for a bare constant. */
export function typesOf(expression: Expression, table: Table): readonly ValueType[] | undefined {
  switch (expression.kind) {
    case 'value':
      return undefined;
    case 'payload':
      return [FIELDS[expression.field].type];
    case 'meta':
      return [META[expression.key].type];
    case 'ct':
      return [CT[expression.key].type];
    case 'fib':
      return [FIB_TYPES[expression.result]];
    case 'numgen':
    case 'jhash':
    case 'symhash':
      return ['integer32'];
    case 'raw-payload':
      return ['raw'];
    case 'extension':
      return [EXTENSIONS[expression.field].type ?? 'boolean'];
    case 'rt':
      return [RT[expression.key].type];
    case 'socket':
      return [SOCKET[expression.key].type];
    case 'osf':
      return ['os_name'];
    case 'concat':
      return expression.parts.flatMap((part) => typesOf(part, table) ?? []);
    case 'map':
      return mapDataTypes(setNamed(table, expression.map));
    case 'anonymous-map':
      return expression.data;
    case 'bitwise':
    case 'shift':
      return typesOf(expression.of, table);
  }
}

function mapDataTypes(map: NamedSet): readonly DataType[] {
  if (map.data === undefined || map.data === 'verdict') {
    throw nftError('NFT_BAD_RULESET', `"${map.name}" is used as a map, but is a ${map.data ? 'verdict map' : 'set'}`);
  }
  return map.data;
}

/** The length in bytes of what the expression leaves in registers. */
export function lengthOf(types: readonly ValueType[]): number {
  if (types.length === 1) return TYPES[types[0] as ValueType].length;
  return types.reduce((all, type) => all + ((TYPES[type].length + 3) & ~3), 0);
}

/** A map yields an address alone, or an address and a port. */
export function yieldsPort(expression: Expression, table: Table): boolean {
  return (typesOf(expression, table)?.length ?? 1) > 1;
}
