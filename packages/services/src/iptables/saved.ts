import type { Chains } from './chain-change.ts';
import { type ChainId, isBuiltIn, isOurChain, JUMP_COMMENT } from './layout.ts';
import type { TableName } from './rule.ts';

/** What of the kernel's rules concerns us. */
export interface Saved {
  /** Every chain of ours, and our rules in the kernel's chains. */
  readonly chains: Chains;
  /** Chains of ours to which rules of others lead. */
  readonly wanted: ReadonlySet<ChainId>;
  /** How many rules there are, whoever made them. */
  readonly rules: number;
  /** Whether a kubelet says that this variant is the one to use (KEP-3178). */
  readonly hinted: boolean;
}

const JUMP = / -[jg] (\S+)$/;
const HINT = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY) /;
const COMMENT = ` --comment "${JUMP_COMMENT}`;

/** Reads the output of iptables-save; lines it does not know are somebody else's. */
export function parseSaved(text: string): Saved {
  const chains = new Map<ChainId, string[]>();
  const wanted = new Set<ChainId>();
  let table: TableName | undefined;
  let [rules, hinted] = [0, false];
  for (const line of text.split('\n')) {
    if (line[0] === '*') table = line === '*nat' ? 'nat' : line === '*filter' ? 'filter' : undefined;
    if (line.startsWith('-A ')) rules++;
    if (HINT.test(line)) hinted = true;
    if (!table) continue;
    if (line[0] === ':') {
      const name = line.slice(1, line.indexOf(' '));
      if (isOurChain(table, name)) chains.set(`${table} ${name}`, []);
    } else if (line.startsWith('-A ')) {
      const end = line.indexOf(' ', 3);
      const name = line.slice(3, end < 0 ? undefined : end);
      const id: ChainId = `${table} ${name}`;
      if (isOurChain(table, name) || (isBuiltIn(id) && line.includes(COMMENT))) {
        const known = chains.get(id);
        if (known) known.push(line);
        else chains.set(id, [line]);
      } else {
        const target = JUMP.exec(line)?.[1];
        if (target && isOurChain(table, target)) wanted.add(`${table} ${target}`);
      }
    }
  }
  return { chains: new Map([...chains].map(([id, lines]) => [id, lines.join('\n')])), wanted, rules, hinted };
}
