import { TYPES, type ValueType } from './data-type.ts';
import { type EvaluationContext, evaluate, findElement, findOwnElement, matches } from './evaluate.ts';
import { setNamed } from './expression-type.ts';
import { formatRule } from './format.ts';
import { formatStatement } from './format-statement.ts';
import { isIpv6 } from './header-bytes.ts';
import type { BaseChain, Chain, Rule, SetElement, Statement, Table, Value, Verdict } from './model.ts';
import { type RejectAnswer, rejectAnswer } from './reject-code.ts';
import { rewritten } from './rewrite.ts';
import { translated } from './translate.ts';
import type {
  ElementUpdate,
  Interpretation,
  InterpretOptions,
  MatchedRule,
  PacketCopy,
  VirtualPacket,
} from './virtual-packet.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/**
 * Sends a virtual packet through all base chains of one hook, in the order of their priority, as the kernel would
 * (nft(8), Netfilter hooks): accept ends a base chain and goes to the next one, drop ends all. Chains of equal priority run
 * in the order of `tables`. Without `options.state` limits and quotas count as not exceeded.
 */
export function interpret(tables: readonly Table[], packet: VirtualPacket, options: InterpretOptions): Interpretation {
  const walk = new Walk(packet, options);
  const verdict = walk.through(baseChains(tables, packet, options));
  return walk.result(verdict);
}

type Ending = { readonly kind: 'accept' | 'drop' | 'reject'; readonly rule?: MatchedRule } | undefined;
type Flow = Verdict | { readonly kind: 'reject' } | undefined;

export interface HookChain {
  readonly table: Table;
  readonly chain: Chain;
  readonly base: BaseChain;
}

/** One packet's way through chains; what happens to it adds up. */
export class Walk {
  packet: VirtualPacket;
  readonly #entered: VirtualPacket;
  readonly #options: InterpretOptions;
  readonly #matched: MatchedRule[] = [];
  readonly #updates: ElementUpdate[] = [];
  readonly #copies: PacketCopy[] = [];
  readonly #unknown = new Set<string>();
  readonly #cannotTell = (what: string) => {
    this.#unknown.add(what);
  };
  #translation: Interpretation['translation'];
  #rejection: RejectAnswer | undefined;
  #proxy: Interpretation['proxy'];
  #decidedBy: Interpretation['decidedBy'];

  constructor(packet: VirtualPacket, options: InterpretOptions) {
    this.packet = packet;
    this.#entered = packet;
    const { state } = options;
    this.#options = state ? { ...options, dynamicElements: (table, set) => elementsIn(options, table, set) } : options;
  }

  through(chains: readonly HookChain[]): Interpretation['verdict'] {
    for (const { table, chain, base } of chains) {
      if (base.type === 'nat' && !this.#needsTranslation()) continue;
      const ending = this.#chain(table, chain, 0) ?? { kind: base.policy ?? 'accept' };
      if (ending.rule) this.#decidedBy = { rule: ending.rule };
      else if (ending.kind === 'drop') this.#decidedBy = { policyOf: `${table.family} ${table.name} ${chain.name}` };
      if (ending.kind !== 'accept') return ending.kind;
    }
    return 'accept';
  }

  /** Translation is decided once, by the first packet of a connection. */
  #needsTranslation(): boolean {
    const state = this.packet.ct?.state ?? 'new';
    return this.#translation === undefined && (state === 'new' || state === 'related');
  }

  result(verdict: Interpretation['verdict']): Interpretation {
    return {
      verdict,
      packet: this.packet,
      matched: this.#matched,
      decidedBy: this.#decidedBy,
      updates: this.#updates,
      ...(this.#copies.length > 0 && { copies: this.#copies }),
      ...(this.#rejection && { rejection: this.#rejection }),
      ...(this.#proxy && { proxy: this.#proxy }),
      ...(this.#unknown.size > 0 && { cannotTell: [...this.#unknown] }),
      ...(this.#translation && { translation: this.#translation }),
    };
  }

  /** undefined: the end of the chain, or return. */
  #chain(table: Table, chain: Chain, depth: number): Ending {
    if (depth > 16) return { kind: 'drop' }; // NFT_JUMP_STACK_SIZE
    for (const [index, rule] of chain.rules.entries()) {
      const flow = this.#rule(rule, table);
      if (flow === false) continue;
      const { family, name } = table;
      const matched: MatchedRule = {
        family,
        table: name,
        chain: chain.name,
        index,
        text: textOf(rule, table),
        ...(rule.comment !== undefined && { comment: rule.comment }),
      };
      this.#matched.push(matched);
      if (!flow || flow.kind === 'continue') continue;
      if (flow.kind === 'return') return undefined;
      if (!('chain' in flow)) return { kind: flow.kind, rule: matched };
      const target = table.chains.find((c) => c.name === flow.chain);
      const ending = target && this.#chain(table, target, depth + 1);
      if (ending || flow.kind === 'goto') return ending;
    }
    return undefined;
  }

  /** false: some match failed; otherwise what the rule says about the packet's way. */
  #rule(rule: Rule, table: Table): Flow | false {
    for (const statement of rule.statements) {
      const context = {
        table,
        packet: this.packet,
        entered: this.#entered,
        options: this.#options,
        cannotTell: this.#cannotTell,
      };
      const flow = this.#statement(statement, context);
      if (flow === false || flow) return flow;
    }
    return undefined;
  }

  #statement(statement: Statement, context: EvaluationContext): Flow | false {
    switch (statement.kind) {
      case 'match':
        return matches(statement, context) && undefined;
      case 'lookup':
        return this.#lookup(statement, context) && undefined;
      case 'anonymous-lookup': {
        if (!evaluate(statement.key, context)) return false;
        const found = findOwnElement(statement.key, statement.elements, context) !== undefined;
        return found !== (statement.invert ?? false) && undefined;
      }
      case 'vmap':
        return verdictIn(findElement(statement.map, statement.key, context));
      case 'anonymous-vmap':
        return verdictIn(findOwnElement(statement.key, statement.elements, context));
      case 'verdict':
        return statement.verdict;
      case 'reject':
        return this.#reject(statement, context);
      case 'counter':
      case 'limit':
      case 'quota':
      case 'ct-count':
        return this.#stateful(statement) && undefined;
      case 'objref':
      case 'objref-map':
        return this.#object(statement, context) && undefined;
      case 'update':
        return this.#update(statement, context);
      default:
        return this.#act(statement, context);
    }
  }

  #stateful(statement: StatementOf<'counter' | 'limit' | 'quota' | 'ct-count'>): boolean {
    const { state } = this.#options;
    if (state) return state.passes(statement, this.packet);
    return statement.kind === 'counter' || !statement.over;
  }

  /** A key the packet lacks (a port of ICMP, say) ends the rule also when the lookup is inverted. */
  #lookup({ key, set, invert }: StatementOf<'lookup'>, context: EvaluationContext): boolean {
    if (!evaluate(key, context)) return false;
    return (findElement(set, key, context) !== undefined) !== (invert ?? false);
  }

  #object(statement: StatementOf<'objref' | 'objref-map'>, context: EvaluationContext): boolean {
    const { table } = context;
    const name =
      statement.kind === 'objref' ? statement.name : findElement(statement.map, statement.key, context)?.object;
    const object = table.objects?.find((one) => one.name === name && one.kind === statement.type);
    if (!object) return false;
    return this.#options.state?.passesObject(table, object, this.packet) ?? true;
  }

  /** An answer in a protocol is for packets of that protocol. */
  #reject(statement: StatementOf<'reject'>, { table }: EvaluationContext): Flow | false {
    const answer = rejectAnswer(statement.with, table.family, statement.protocol);
    const own = isIpv6(this.packet) ? 'icmpv6' : 'icmp';
    if (answer.protocol === 'tcp' && this.packet.protocol !== 'tcp') return false;
    if (answer.protocol !== 'tcp' && answer.protocol !== 'icmpx' && answer.protocol !== own) return false;
    this.#rejection =
      answer.protocol === 'icmpx' ? rejectAnswer(statement.with, isIpv6(this.packet) ? 'ip6' : 'ip', own) : answer;
    return { kind: 'reject' };
  }

  #act(statement: Statement, context: EvaluationContext): Flow | false {
    switch (statement.kind) {
      case 'dnat':
      case 'snat':
      case 'masquerade':
      case 'redirect':
        return this.#translate(statement, context);
      case 'tproxy': {
        const { address, port, family } = statement;
        if (family !== 'inet' && (family === 'ip6') !== isIpv6(this.packet)) return false;
        if (this.#options.listens?.(this.packet.protocol, address, port) === false) return false;
        this.#proxy = { ...(address !== undefined && { address }), port };
        return undefined;
      }
      case 'queue':
        this.#cannotTell(formatStatement(statement, context.table));
        return { kind: statement.bypass ? 'accept' : 'drop' };
      case 'log':
      case 'last':
      case 'flow-add':
        return undefined;
      case 'dup':
        return this.#copy(statement, context) && undefined;
      default: {
        const packet = rewritten(statement, context);
        if (packet === undefined) return false;
        if (packet === 'unknown') this.#cannotTell(formatStatement(statement, context.table));
        else this.packet = packet;
        return undefined;
      }
    }
  }

  /** Without an address for it there is no copy, and the rule ends. */
  #copy({ to }: StatementOf<'dup'>, context: EvaluationContext): boolean {
    const address = to && evaluate(to, context, isIpv6(this.packet) ? 'ipv6_addr' : 'ipv4_addr')?.[0];
    if (to && !address) return false;
    const type = TYPES[address?.length === 16 ? 'ipv6_addr' : 'ipv4_addr'];
    this.#copies.push({ packet: this.packet, ...(address && { to: String(type.decode(address)) }) });
    return true;
  }

  #translate(
    statement: StatementOf<'dnat' | 'snat' | 'masquerade' | 'redirect'>,
    context: EvaluationContext,
  ): Flow | false {
    const packet = translated(statement, context);
    if (!packet) return false;
    this.packet = packet;
    this.#translation = statement.kind;
    return { kind: 'accept' };
  }

  #update(statement: StatementOf<'update'>, context: EvaluationContext): Flow | false {
    const { op, set, key, data, timeout, statements = [] } = statement;
    const target = setNamed(context.table, set);
    const keyValue = evaluate(key, context);
    if (!keyValue) return false;
    const dataTypes = target.data !== undefined && target.data !== 'verdict' ? target.data : [];
    const dataValue = data && evaluate(data, context, dataTypes[0]);
    const decode = (types: readonly ValueType[], bytes: readonly Buffer[]): Value[] =>
      bytes.map((part, i) => TYPES[types[i] ?? 'mark'].decode(part));
    const element: SetElement = {
      key: decode(target.key, keyValue),
      ...(dataValue && { data: decode(dataTypes, dataValue) }),
      ...(timeout !== undefined && { timeout }),
    };
    this.#updates.push({ table: context.table.name, set, op, element });
    const { state } = this.#options;
    if (!state) return undefined;
    if (!state.update(context.table, target, { op, element })) return false;
    const owner = `${context.table.family} ${context.table.name} ${set} ${JSON.stringify(element.key)}`;
    return statements.every((one, i) => state.passes(one, this.packet, `${owner} ${i}`)) && undefined;
  }
}

function elementsIn({ state, dynamicElements }: InterpretOptions, table: string, set: string): readonly SetElement[] {
  const given = dynamicElements?.(table, set) ?? [];
  const families = ['ip', 'ip6', 'inet', 'netdev', 'bridge', 'arp'] as const;
  const own = families.flatMap((family) => state?.elements({ family, name: table }, set) ?? []);
  return [...given, ...own];
}

function verdictIn(element: SetElement | undefined): Flow | false {
  const data = element?.data;
  return data && 'kind' in data ? data : false;
}

const TEXTS = new WeakMap<Rule, { readonly table: Table; readonly text: string }>();

/** Most rules that match one packet match the next. */
function textOf(rule: Rule, table: Table): string {
  const known = TEXTS.get(rule);
  if (known?.table === table) return known.text;
  const text = formatRule(rule, table);
  TEXTS.set(rule, { table, text });
  return text;
}

const BASES = new WeakMap<Table, readonly HookChain[]>();

/** A table may have a thousand chains, of which few are base chains. */
function basesOf(table: Table): readonly HookChain[] {
  const known = BASES.get(table);
  const bases = known ?? table.chains.flatMap((chain) => (chain.base ? [{ table, chain, base: chain.base }] : []));
  if (!known) BASES.set(table, bases);
  return bases;
}

/** The base chains of a hook that see the packet, in the order in which they run. */
export function baseChains(
  tables: readonly Table[],
  packet: VirtualPacket,
  { hook, type }: Pick<InterpretOptions, 'hook' | 'type'>,
): HookChain[] {
  const device = hook === 'egress' ? packet.oifname : packet.iifname;
  const families = isIpv6(packet) ? ['ip6', 'inet', 'netdev'] : ['ip', 'inet', 'netdev'];
  return tables
    .filter((table) => families.includes(table.family) && !table.dormant)
    .flatMap(basesOf)
    .filter(({ base }) => base.hook === hook && (type === undefined || base.type === type))
    .filter(({ base }) => {
      const devices = base.devices ?? (base.device === undefined ? undefined : [base.device]);
      return devices === undefined || (device !== undefined && devices.includes(device));
    })
    .toSorted((a, b) => a.base.priority - b.base.priority);
}
