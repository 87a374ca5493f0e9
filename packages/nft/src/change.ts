import { formatHook, formatRule, formatSet, isMap } from './format.ts';
import { formatElement } from './format-element.ts';
import { formatFlowtable, formatObject } from './format-object.ts';
import type { Chain, Flowtable, NamedObject, NamedSet, Rule, SetElement, Table } from './model.ts';

/** One thing a transaction does. Sets are added without their elements, chains without their rules. */
export type Command =
  | { readonly kind: 'add-table' | 'set-table' | 'delete-table' }
  | { readonly kind: 'add-chain' | 'delete-chain' | 'flush-chain' | 'set-policy'; readonly chain: Chain }
  | { readonly kind: 'add-rule'; readonly chain: Chain; readonly rule: Rule }
  | { readonly kind: 'add-set' | 'delete-set'; readonly set: NamedSet }
  | { readonly kind: 'add-object' | 'delete-object'; readonly object: NamedObject }
  | { readonly kind: 'add-flowtable' | 'delete-flowtable'; readonly flowtable: Flowtable }
  | { readonly kind: 'add-element' | 'delete-element'; readonly set: NamedSet; readonly element: SetElement };

/** A command on a table; `text` is the nft command that does the same, for people. */
export class NftChange {
  readonly command: Command;
  readonly #table: Table;

  constructor(table: Table, command: Command) {
    this.#table = table;
    this.command = command;
  }

  get text(): string {
    return formatCommand(this.command, this.#table);
  }

  toJSON(): { readonly text: string } {
    return { text: this.text };
  }
}

/** The nft command that does the same. */
export function formatCommand(command: Command, table: Table): string {
  const where = `${table.family} ${table.name}`;
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
      return `${command.kind.replace('-', ' ')} ${where}`;
    case 'set-table':
      return `add table ${where} {${tableFlags(table)}}`;
    case 'add-chain':
      return `add chain ${where} ${command.chain.name}${command.chain.base ? ` { ${formatHook(command.chain)} }` : ''}`;
    case 'set-policy':
      return `chain ${where} ${command.chain.name} { policy ${command.chain.base?.policy ?? 'accept'}; }`;
    case 'delete-chain':
    case 'flush-chain':
      return `${command.kind.replace('-', ' ')} ${where} ${command.chain.name}`;
    case 'add-rule':
      return `add rule ${where} ${command.chain.name} ${formatRule(command.rule, table)}`;
    case 'add-set':
      return addCommand(formatSet({ ...command.set, elements: [] }), where);
    case 'delete-set':
      return `delete ${isMap(command.set) ? 'map' : 'set'} ${where} ${command.set.name}`;
    case 'add-object':
      return addCommand(formatObject(command.object), where);
    case 'delete-object':
      return `delete ${command.object.kind} ${where} ${command.object.name}`;
    case 'add-flowtable':
      return addCommand(formatFlowtable(command.flowtable), where);
    case 'delete-flowtable':
      return `delete flowtable ${where} ${command.flowtable.name}`;
    case 'add-element':
    case 'delete-element':
      return `${command.kind.replace('-', ' ')} ${where} ${command.set.name} { ${formatElement(command.set, command.element)} }`;
  }
}

function tableFlags({ dormant, owner }: Table): string {
  const flags = [...(dormant ? ['dormant'] : []), ...(owner ? ['owner'] : [])];
  return flags.length ? ` flags ${flags.join(', ')}; ` : '';
}

/** A block of a table's listing as a command: kind, table, name, and the block in one line. */
function addCommand(block: string, where: string): string {
  return block
    .trim()
    .replace(/^(.*?) (\S+) \{/, `add $1 ${where} $2 {`)
    .replace(/;?\n\t*/g, (end) => (end.startsWith(';') ? '; ' : ' '));
}
