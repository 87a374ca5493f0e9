import { type ChainChange, countRules, type Splice } from './chain-change.ts';
import { type ChainId, partsOf } from './layout.ts';
import type { TableName } from './rule.ts';

/** What iptables-restore has to read to make changes. */
export interface RestoreText {
  /** For one run after another; empty when nothing is to do. */
  readonly texts: readonly string[];
  /** Lines without the frame. */
  readonly commands: number;
}

/** filter before nat: what is not translated yet must already be refused or dropped. */
const TABLES: readonly TableName[] = ['filter', 'nat'];

/**
 * Each table in one transaction. `pieces`: write more new chains than this in pieces of so many, before anything leads to
 * them, because the time of iptables-nft-restore grows with the square of what it reads at once.
 */
export function restoreText(changes: readonly ChainChange[], pieces = Number.POSITIVE_INFINITY): RestoreText {
  const ahead = Number.isFinite(pieces) ? changes.filter(isAhead) : [];
  if (ahead.length <= pieces) return join([oneText(changes)]);
  ahead.sort((a, b) => levelOf(a.id) - levelOf(b.id));
  const texts: RestoreText[] = [];
  for (let i = 0; i < ahead.length; i += pieces) texts.push(oneText(ahead.slice(i, i + pieces)));
  return join([...texts, oneText(changes.filter((change) => !isAhead(change)))]);
}

function join(all: readonly RestoreText[]): RestoreText {
  return { texts: all.flatMap(({ texts }) => texts), commands: all.reduce((sum, { commands }) => sum + commands, 0) };
}

/** Chains of which each leads to those of lower levels only. What leads to them all is not among them. */
const LEVELS = [
  /^nat (PODWIRE-|KUBE-MARK-MASQ$)/,
  /^nat KUBE-MARK-/,
  /^nat KUBE-SEP-/,
  /^nat KUBE-SV[CL]-/,
  /^nat KUBE-EXT-/,
  /^nat KUBE-FW-/,
];
const levelOf = (id: ChainId): number => LEVELS.findIndex((level) => level.test(id));
const isAhead = (change: ChainChange): boolean => change.kind === 'write' && change.isNew && levelOf(change.id) >= 0;

function oneText(changes: readonly ChainChange[]): RestoreText {
  const texts: string[] = [];
  let commands = 0;
  for (const table of TABLES) {
    const lines = tableLines(changes.filter(({ id }) => id.startsWith(table))).join('\n');
    if (lines) texts.push(`*${table}\n${lines}\nCOMMIT\n`);
    commands += countRules(lines);
  }
  return { texts: texts.length ? [texts.join('')] : [], commands };
}

/** Chains before the rules that lead to them, and gone when none does any more. */
function tableLines(changes: readonly ChainChange[]): string[] {
  const [lines, rules, gone]: [string[], string[], string[]] = [[], [], []];
  for (const change of changes) {
    const { name } = partsOf(change.id);
    // makes the chain, or empties it
    if (change.kind !== 'splice') lines.push(`:${name} - [0:0]`);
    if (change.kind === 'delete') gone.push(`-X ${name}`);
    if (change.kind === 'write' && change.rules) rules.push(change.rules);
    if (change.kind === 'splice') spliceLines(rules, name, change.splices);
  }
  for (const line of rules) lines.push(line);
  for (const line of gone) lines.push(line);
  return lines;
}

function spliceLines(lines: string[], name: string, splices: readonly Splice[]): void {
  const start = `-A ${name}`.length;
  for (const { removed } of splices) for (const rule of removed) lines.push(`-D${rule.slice(2)}`);
  for (const { at, added } of splices)
    for (const [i, rule] of added.entries()) lines.push(`-I ${name} ${at + i + 1}${rule.slice(start)}`);
}
