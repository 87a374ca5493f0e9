import { formatHook, formatRule, formatSet } from './format.ts';
import { formatElement } from './format-element.ts';
import type { Chain, NamedSet, Rule, SetElement, Table } from './model.ts';

/** One thing a transaction does. Sets are added without their elements, chains without their rules. */
export type Command =
  | { readonly kind: 'add-table' | 'delete-table' }
  | { readonly kind: 'add-chain' | 'delete-chain' | 'flush-chain' | 'set-policy'; readonly chain: Chain }
  | { readonly kind: 'add-rule'; readonly chain: Chain; readonly rule: Rule }
  | { readonly kind: 'add-set' | 'delete-set'; readonly set: NamedSet }
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

function formatCommand(command: Command, table: Table): string {
  const where = `${table.family} ${table.name}`;
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
      return `${command.kind.replace('-', ' ')} ${where}`;
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
      return formatSet({ ...command.set, elements: [] })
        .trim()
        .replace(/^(set|map) /, `add $1 ${where} `)
        .replace(/;?\n\t*/g, (end) => (end.startsWith(';') ? '; ' : ' '));
    case 'delete-set':
      return `delete ${command.set.data === undefined ? 'set' : 'map'} ${where} ${command.set.name}`;
    case 'add-element':
    case 'delete-element':
      return `${command.kind.replace('-', ' ')} ${where} ${command.set.name} { ${formatElement(command.set, command.element)} }`;
  }
}
