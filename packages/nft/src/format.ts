import { formatElement } from './format-element.ts';
import { formatStatement } from './format-statement.ts';
import type { Chain, NamedSet, Rule, Table } from './model.ts';
import { checkName, quote } from './name.ts';

/** The flags line of a set, in nft's words. */
function setFlags(set: NamedSet): string[] {
  return [
    ...(set.interval ? ['interval'] : []),
    ...(set.dynamic ? ['dynamic'] : []),
    ...(set.timeout !== undefined || set.hasTimeouts ? ['timeout'] : []),
  ];
}

/** A set or map in nft syntax, tab-indented as `nft list` writes it. */
export function formatSet(set: NamedSet): string {
  const data = set.data === undefined ? '' : ` : ${set.data === 'verdict' ? 'verdict' : set.data.join(' . ')}`;
  const flags = setFlags(set);
  const lines = [
    `type ${set.key.join(' . ')}${data}`,
    ...(set.size === undefined ? [] : [`size ${set.size}`]),
    ...(flags.length ? [`flags ${flags.join(',')}`] : []),
    ...(set.counter ? ['counter'] : []),
    ...(set.timeout === undefined ? [] : [`timeout ${set.timeout}s`]),
    ...(set.comment === undefined ? [] : [`comment ${quote(set.comment)}`]),
    ...(set.elements.length
      ? [`elements = { ${set.elements.map((e) => formatElement(set, e)).join(',\n\t\t\t     ')} }`]
      : []),
  ];
  return `\t${set.data === undefined ? 'set' : 'map'} ${checkName(set.name)} {\n${lines.map((l) => `\t\t${l}\n`).join('')}\t}\n`;
}

export function formatRule(rule: Rule, table: Table): string {
  const statements = rule.statements.map((statement) => formatStatement(statement, table));
  return [...statements, ...(rule.comment === undefined ? [] : [`comment ${quote(rule.comment)}`])].join(' ');
}

/** `type filter hook forward priority 0; policy accept;` */
export function formatHook({ base }: Chain): string {
  if (!base) return '';
  const device = base.device === undefined ? '' : ` device ${quote(base.device)}`;
  return `type ${base.type} hook ${base.hook}${device} priority ${base.priority}; policy ${base.policy ?? 'accept'};`;
}

function formatChain(chain: Chain, table: Table): string {
  const lines = [
    ...(chain.comment === undefined ? [] : [`comment ${quote(chain.comment)}`]),
    ...(chain.base ? [formatHook(chain)] : []),
    ...chain.rules.map((rule) => formatRule(rule, table)),
  ];
  return `\tchain ${checkName(chain.name)} {\n${lines.map((l) => `\t\t${l}\n`).join('')}\t}\n`;
}

/**
 * The table in nft syntax; `nft -f` loads it, in an empty namespace to the same ruleset that Nft.apply makes.
 * Text of rules that set a port needs a match on the transport protocol before (nft insists, the kernel does not).
 */
export function formatTable(table: Table): string {
  const parts = [
    ...(table.comment === undefined ? [] : [`\tcomment ${quote(table.comment)}\n`]),
    ...table.sets.map(formatSet),
    ...table.chains.map((chain) => formatChain(chain, table)),
  ];
  return `table ${table.family} ${checkName(table.name)} {\n${parts.join('\n')}}\n`;
}
