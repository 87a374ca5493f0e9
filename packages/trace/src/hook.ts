import { type Hook, type Interpretation, interpret, type MatchedRule, type VirtualPacket } from '@podwire/nft';
import type { NodeView } from './node-view.ts';
import type { TableVerdict } from './step.ts';

export interface HookOptions {
  /** Of the out link, for masquerade. */
  readonly linkAddress?: string;
  /** Draws an endpoint: which of so many. */
  readonly choose?: (of: number) => number;
}

/** Runs the packet through all of a node's tables at one hook. */
export function runHook(node: NodeView, hook: Hook, packet: VirtualPacket, options: HookOptions = {}): Interpretation {
  const { linkAddress, choose } = options;
  return interpret(node.tables, packet, {
    hook,
    ...(choose && { choose }),
    ...(linkAddress !== undefined && { interfaceAddress: linkAddress }),
    fib: ({ flags, result }, { saddr, daddr }) => {
      if (result !== 'type') return undefined;
      return node.local.has(flags.includes('saddr') ? saddr : daddr) ? 'local' : 'unicast';
    },
  });
}

const TRANSLATES = /(?:^| )(dnat|snat|masquerade|redirect)(?: |$)/;

/** What each table with a chain at the hook said, as far as the packet got. */
export function tableVerdicts(
  node: NodeView,
  hook: Hook,
  { matched, verdict, decidedBy }: Interpretation,
): TableVerdict[] {
  const stopped = verdict !== 'accept' && decidedBy && 'rule' in decidedBy ? decidedBy.rule : undefined;
  const tables = node.tables.filter(
    ({ family, chains }) => family === 'ip' && chains.some(({ base }) => base?.hook === hook),
  );
  const ordered = tables.toSorted((a, b) => lowestPriority(a, hook) - lowestPriority(b, hook));
  const end = stopped ? ordered.findIndex(({ name }) => name === stopped.table) + 1 : ordered.length;
  return ordered.slice(0, end).map(({ name }) => {
    const rules = matched.filter(({ table }) => table === name);
    const isStopped = stopped?.table === name;
    const translating = rules.findLast(({ text }) => TRANSLATES.test(text));
    const deciding = isStopped ? stopped : (translating ?? rules.findLast(({ text }) => !/ jump /.test(` ${text}`)));
    const translation = isStopped ? undefined : TRANSLATES.exec(translating?.text ?? '')?.[1];
    return {
      ...{ table: name, verdict: isStopped ? verdict : ('accept' as const) },
      ...(deciding && { rule: deciding.text }),
      ...commentOf(rules, deciding),
      ...(translation && { translation: translation as NonNullable<TableVerdict['translation']> }),
    };
  });
}

/** The comment of the rule itself, or of the one that led to it. */
function commentOf(rules: readonly MatchedRule[], deciding: MatchedRule | undefined): { comment?: string } {
  const last = deciding ? rules.indexOf(deciding) : -1;
  const comment = deciding?.comment ?? rules.slice(0, last + 1).findLast((rule) => rule.comment !== undefined)?.comment;
  return comment === undefined ? {} : { comment };
}

function lowestPriority({ chains }: NodeView['tables'][number], hook: Hook): number {
  return Math.min(...chains.flatMap(({ base }) => (base?.hook === hook ? [base.priority] : [])));
}

/** `podwire-services dnat to 10.244.1.2:8080, podwire-policy accept (shop/db ingress rule 0)` */
export function describeHook(hook: Hook, verdicts: readonly TableVerdict[], after: VirtualPacket): string {
  const parts = verdicts.map(({ table, verdict, rule, comment, translation }) => {
    const why = comment ?? (verdict === 'accept' ? undefined : rule);
    const outcome = translated(translation, after) ?? verdict;
    // how a mode gets it there is not for the model to say
    const said = table.startsWith('services (') ? outcome.replace(/^dnat/, 'lead') : outcome;
    return `${table} ${said}${why === undefined ? '' : ` (${why})`}`;
  });
  return `${hook}: ${parts.join(', ') || 'no rules'}`;
}

function translated(kind: TableVerdict['translation'], { saddr, daddr, dport }: VirtualPacket): string | undefined {
  if (kind === undefined) return undefined;
  return kind === 'dnat' || kind === 'redirect' ? `dnat to ${daddr}:${dport}` : `${kind} to ${saddr}`;
}
