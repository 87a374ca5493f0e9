import { type ChainId, isBuiltIn, partsOf } from './layout.ts';
import { formatRule, type Rule, type TableName } from './rule.ts';

/** Rules as iptables prints them, by chain; a chain that is not there is absent. */
export type Lines = ReadonlyMap<ChainId, readonly string[]>;

/** What iptables-restore has to read to get from one state to another. */
export interface RestoreText {
  /** Empty when nothing is to do. */
  readonly text: string;
  /** Lines without the frame. */
  readonly commands: number;
}

/** The text of rules is made once for each list of rules. */
const printed = new WeakMap<readonly Rule[], readonly string[]>();

export function linesOf(chains: ReadonlyMap<ChainId, readonly Rule[]>): Lines {
  const lines = new Map<ChainId, readonly string[]>();
  for (const [id, rules] of chains) {
    let text = printed.get(rules);
    if (!text) {
      text = rules.map(formatRule);
      printed.set(rules, text);
    }
    lines.set(id, text);
  }
  return lines;
}

/** filter before nat: what is not translated yet must already be refused or dropped. */
const TABLES: readonly TableName[] = ['filter', 'nat'];

/** `keep`: chains to which others' rules lead; they are emptied and not deleted. */
export function restoreText(before: Lines, after: Lines, keep: ReadonlySet<ChainId> = new Set()): RestoreText {
  const parts = TABLES.map((table) => tableText(table, before, after, keep)).filter(({ commands }) => commands > 0);
  return {
    text: parts.map(({ text }) => text).join(''),
    commands: parts.reduce((sum, { commands }) => sum + commands, 0),
  };
}

function tableText(table: TableName, before: Lines, after: Lines, keep: ReadonlySet<ChainId>): RestoreText {
  const [declared, rules, gone]: [string[], string[], string[]] = [[], [], []];
  for (const [id, lines] of after) {
    if (!id.startsWith(table)) continue;
    const known = before.get(id);
    if (known === lines || (known && sameLines(known, lines))) continue;
    const { name } = partsOf(id);
    const commands = isBuiltIn(name) ? jumpCommands(name, known ?? [], lines) : chainCommands(name, known, lines);
    for (const command of commands) (command[0] === ':' ? declared : rules).push(command);
  }
  for (const [id, lines] of before) {
    if (!id.startsWith(table) || after.has(id)) continue;
    const { name } = partsOf(id);
    if (isBuiltIn(name)) for (const line of lines) rules.push(`-D ${name} ${line}`);
    else if (!keep.has(id) || lines.length > 0) declared.push(emptied(name));
    if (!isBuiltIn(name) && !keep.has(id)) gone.push(`-X ${name}`);
  }
  const commands = [...declared, ...rules, ...gone];
  return { text: `*${table}\n${commands.join('\n')}\nCOMMIT\n`, commands: commands.length };
}

/** Makes the chain, or empties it. */
const emptied = (name: string): string => `:${name} - [0:0]`;

/** Ours stand together at the top, in order. */
function jumpCommands(name: string, before: readonly string[], after: readonly string[]): string[] {
  return [...before.map((line) => `-D ${name} ${line}`), ...after.map((line, i) => `-I ${name} ${i + 1} ${line}`)];
}

/** Below this length a chain is written anew; above, when more than half of it changes. */
const SHORT = 16;

function chainCommands(name: string, before: readonly string[] | undefined, after: readonly string[]): string[] {
  const whole = () => [emptied(name), ...after.map((line) => `-A ${name}${line && ` ${line}`}`)];
  if (!before || before.length < SHORT) return whole();
  const shorter = Math.min(before.length, after.length);
  let [head, tail] = [0, 0];
  while (head < shorter && before[head] === after[head]) head++;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const removed = before.slice(head, before.length - tail);
  const added = after.slice(head, after.length - tail);
  if (removed.length + added.length > after.length / 2) return whole();
  return [
    ...removed.map((line) => `-D ${name} ${line}`),
    ...added.map((line, i) => `-I ${name} ${head + i + 1} ${line}`),
  ];
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
