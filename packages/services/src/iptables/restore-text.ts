import { type ChainId, isBuiltIn, partsOf } from './layout.ts';
import { formatRule, type Rule, type TableName } from './rule.ts';

/** Rules as iptables prints them, by chain; a chain that is not there is absent. */
export type Lines = ReadonlyMap<ChainId, readonly string[]>;

/** What iptables-restore has to read to get from one state to another. */
export interface RestoreText {
  /** For one run after another; empty when nothing is to do. */
  readonly texts: readonly string[];
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

export interface RestoreOptions {
  /** Chains to which others' rules lead; they are emptied and not deleted. */
  readonly keep?: ReadonlySet<ChainId> | undefined;
  /**
   * Write more new chains than this in pieces of so many, before anything leads to them: the time of iptables-nft-restore
   * grows with the square of what it reads at once.
   */
  readonly pieces?: number | undefined;
}

export function restoreText(before: Lines, after: Lines, options: RestoreOptions = {}): RestoreText {
  const { pieces: size = Number.POSITIVE_INFINITY } = options;
  const ahead = Number.isFinite(size) ? newChains(before, after) : [];
  if (ahead.length <= size) return oneText(before, after, options);
  const pieces: RestoreText[] = [];
  const written = new Map(before);
  for (let i = 0; i < ahead.length; i += size) {
    const piece = ahead.slice(i, i + size);
    const commands = piece.flatMap(([id, lines]) => chainCommands(partsOf(id).name, undefined, lines));
    pieces.push({ texts: [frame('nat', sortedCommands(commands))], commands: commands.length });
    for (const [id, lines] of piece) written.set(id, lines);
  }
  const all = [...pieces, oneText(written, after, options)];
  return { texts: all.flatMap(({ texts }) => texts), commands: all.reduce((sum, { commands }) => sum + commands, 0) };
}

/** In an order in which each leads to chains before it only. What leads to them all is not among them. */
function newChains(before: Lines, after: Lines): (readonly [ChainId, readonly string[]])[] {
  const rank = (id: ChainId): number => LEVELS.findIndex((level) => level.test(id));
  return [...after].filter(([id]) => !before.has(id) && rank(id) >= 0).sort(([a], [b]) => rank(a) - rank(b));
}
const LEVELS = [
  /^nat (PODWIRE-|KUBE-MARK-MASQ$)/,
  /^nat KUBE-MARK-/,
  /^nat KUBE-SEP-/,
  /^nat KUBE-SV[CL]-/,
  /^nat KUBE-EXT-/,
  /^nat KUBE-FW-/,
];

function oneText(before: Lines, after: Lines, { keep = new Set() }: RestoreOptions): RestoreText {
  const changed = [...after].filter(([id, lines]) => !sameLines(before.get(id), lines)).map(([id]) => id);
  const gone = [...before.keys()].filter((id) => !after.has(id));
  const change: Change = { before, after, keep, changed, gone };
  const parts = TABLES.map((table) => ({ table, commands: tableCommands(table, change) }));
  const busy = parts.filter(({ commands }) => commands.length > 0);
  return {
    texts: busy.length ? [busy.map(({ table, commands }) => frame(table, commands)).join('')] : [],
    commands: busy.reduce((sum, { commands }) => sum + commands.length, 0),
  };
}

const frame = (table: TableName, commands: readonly string[]): string => `*${table}\n${commands.join('\n')}\nCOMMIT\n`;

/** Chains before the rules that lead to them. */
function sortedCommands(commands: readonly string[]): string[] {
  return [...commands.filter((line) => line[0] === ':'), ...commands.filter((line) => line[0] !== ':')];
}

interface Change {
  readonly before: Lines;
  readonly after: Lines;
  readonly keep: ReadonlySet<ChainId>;
  readonly changed: readonly ChainId[];
  readonly gone: readonly ChainId[];
}

function tableCommands(table: TableName, { before, after, keep, changed, gone }: Change): string[] {
  const [changes, removals]: [string[], string[]] = [[], []];
  for (const id of changed) {
    if (!id.startsWith(table)) continue;
    const { name } = partsOf(id);
    const [known, lines] = [before.get(id), after.get(id) ?? []];
    const commands = isBuiltIn(name) ? jumpCommands(name, known ?? [], lines) : chainCommands(name, known, lines);
    for (const command of commands) changes.push(command);
  }
  for (const id of gone) {
    if (!id.startsWith(table)) continue;
    const { name } = partsOf(id);
    const lines = before.get(id) ?? [];
    if (isBuiltIn(name)) for (const line of lines) changes.push(`-D ${name} ${line}`);
    else if (!keep.has(id) || lines.length > 0) changes.push(emptied(name));
    if (!isBuiltIn(name) && !keep.has(id)) removals.push(`-X ${name}`);
  }
  return [...sortedCommands(changes), ...removals];
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

function sameLines(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a === b || (a?.length === b.length && b.every((line, i) => line === a[i]));
}
