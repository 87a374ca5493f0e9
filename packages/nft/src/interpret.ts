import { TYPES } from './data-type.ts';
import { type EvaluationContext, evaluate, findElement, matches } from './evaluate.ts';
import { setNamed } from './expression-type.ts';
import { formatRule } from './format.ts';
import { formatStatement } from './format-statement.ts';
import type { Chain, DataType, Ports, Rule, Statement, Table, Value, Verdict } from './model.ts';
import type { ElementUpdate, Interpretation, InterpretOptions, MatchedRule, VirtualPacket } from './virtual-packet.ts';

/**
 * Sends a virtual packet through all base chains of one hook, in the order of their priority, as the kernel would
 * (nft(8), Netfilter hooks): accept ends a base chain and goes to the next one, drop ends all. Limits and quotas count as
 * not exceeded; log and counter do nothing.
 */
export function interpret(tables: readonly Table[], packet: VirtualPacket, options: InterpretOptions): Interpretation {
  return new Walk(packet, options).through(tables);
}

type Ending = { readonly kind: 'accept' | 'drop' | 'reject'; readonly rule?: MatchedRule } | undefined;
type Flow = Verdict | { readonly kind: 'reject' } | undefined;

class Walk {
  #packet: VirtualPacket;
  readonly #entered: VirtualPacket;
  readonly #options: InterpretOptions;
  readonly #matched: MatchedRule[] = [];
  readonly #updates: ElementUpdate[] = [];
  readonly #unknown = new Set<string>();
  readonly #cannotTell = (what: string) => {
    this.#unknown.add(what);
  };
  #translation: Interpretation['translation'];
  #decidedBy: Interpretation['decidedBy'];

  constructor(packet: VirtualPacket, options: InterpretOptions) {
    this.#packet = packet;
    this.#entered = packet;
    this.#options = options;
  }

  through(tables: readonly Table[]): Interpretation {
    for (const { table, chain, base } of baseChains(tables, this.#packet, this.#options)) {
      if (base.type === 'nat' && !this.#needsTranslation()) continue;
      const ending = this.#chain(table, chain, 0) ?? { kind: base.policy ?? 'accept' };
      if (ending.rule) this.#decidedBy = { rule: ending.rule };
      else if (ending.kind === 'drop') this.#decidedBy = { policyOf: `${table.family} ${table.name} ${chain.name}` };
      if (ending.kind !== 'accept') return this.#result(ending.kind);
    }
    return this.#result('accept');
  }

  /** Translation is decided once, by the first packet of a connection. */
  #needsTranslation(): boolean {
    return this.#translation === undefined && (this.#packet.ct?.state ?? 'new') === 'new';
  }

  #result(verdict: Interpretation['verdict']): Interpretation {
    return {
      verdict,
      packet: this.#packet,
      matched: this.#matched,
      decidedBy: this.#decidedBy,
      updates: this.#updates,
      ...(this.#unknown.size > 0 && { cannotTell: [...this.#unknown] }),
      ...(this.#translation && { translation: this.#translation }),
    };
  }

  /** undefined: the end of the chain, or return. */
  #chain(table: Table, chain: Chain, depth: number): Ending {
    if (depth > 16) return { kind: 'drop' }; // NFT_JUMP_STACK_SIZE
    for (const [index, rule] of chain.rules.entries()) {
      const flow = this.#rule(rule, {
        table,
        packet: this.#packet,
        entered: this.#entered,
        options: this.#options,
        cannotTell: this.#cannotTell,
      });
      if (flow === false) continue;
      const { family, name } = table;
      const matched: MatchedRule = {
        family,
        table: name,
        chain: chain.name,
        index,
        text: formatRule(rule, table),
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
  #rule(rule: Rule, context: EvaluationContext): Flow | false {
    for (const statement of rule.statements) {
      const flow = this.#statement(statement, { ...context, packet: this.#packet });
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
      case 'vmap': {
        const data = findElement(statement.map, statement.key, context)?.data;
        return data && 'kind' in data ? data : false;
      }
      case 'verdict':
        return statement.verdict;
      case 'reject':
        return { kind: 'reject' };
      case 'limit':
      case 'quota':
        return statement.over ? false : undefined;
      case 'update':
        return this.#update(statement, context);
      default:
        return this.#rewrite(statement, context);
    }
  }

  /** A key the packet lacks (a port of ICMP, say) ends the rule also when the lookup is inverted. */
  #lookup({ key, set, invert }: Extract<Statement, { kind: 'lookup' }>, context: EvaluationContext): boolean {
    if (!evaluate(key, context)) return false;
    return (findElement(set, key, context) !== undefined) !== (invert ?? false);
  }

  #rewrite(statement: Statement, context: EvaluationContext): Flow | false {
    switch (statement.kind) {
      case 'set-mark':
      case 'set-ct-mark': {
        const [value] = evaluate(statement.to, context, 'mark') ?? [];
        if (!value) return false;
        const mark = value.readUInt32LE(0);
        this.#packet =
          statement.kind === 'set-mark'
            ? { ...this.#packet, mark }
            : { ...this.#packet, ct: { ...this.#packet.ct, mark } };
        return undefined;
      }
      case 'dnat':
      case 'snat':
        return this.#nat(statement, context);
      case 'masquerade':
      case 'redirect':
        return this.#toInterface(statement);
      case 'notrack':
        this.#packet = { ...this.#packet, ct: { ...this.#packet.ct, state: 'untracked' } };
        return undefined;
      case 'counter':
      case 'log':
      case 'last':
      case 'tproxy':
        return undefined;
      default:
        this.#cannotTell(formatStatement(statement, context.table));
        return undefined;
    }
  }

  #nat(
    { kind, family, to, port }: Extract<Statement, { kind: 'dnat' | 'snat' }>,
    context: EvaluationContext,
  ): Flow | false {
    const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
    const [addressBytes, portBytes] = evaluate(to, context, type) ?? [];
    if (!addressBytes) return false;
    const givenPort = port ? evaluate(port, context, 'inet_service')?.[0] : portBytes;
    if (port && !givenPort) return false;
    const address = String(TYPES[type].decode(addressBytes));
    const number = givenPort?.readUInt16BE(0);
    this.#packet =
      kind === 'dnat'
        ? { ...this.#packet, daddr: address, ...(number !== undefined && { dport: number }) }
        : { ...this.#packet, saddr: address, ...(number !== undefined && { sport: number }) };
    this.#translation = kind;
    return { kind: 'accept' };
  }

  #toInterface(statement: Extract<Statement, { kind: 'masquerade' | 'redirect' }>): Flow {
    const address = this.#options.interfaceAddress;
    this.#packet =
      statement.kind === 'masquerade'
        ? { ...this.#packet, ...(address !== undefined && { saddr: address }) }
        : {
            ...this.#packet,
            ...(address !== undefined && { daddr: address }),
            ...(statement.port !== undefined && { dport: firstPort(statement.port) }),
          };
    this.#translation = statement.kind;
    return { kind: 'accept' };
  }

  #update(
    { op, set, key, data, timeout }: Extract<Statement, { kind: 'update' }>,
    context: EvaluationContext,
  ): Flow | false {
    const target = setNamed(context.table, set);
    const keyValue = evaluate(key, context);
    if (!keyValue) return false;
    const dataTypes = target.data !== undefined && target.data !== 'verdict' ? target.data : [];
    const dataValue = data && evaluate(data, context, dataTypes[0]);
    const decode = (types: readonly DataType[], bytes: readonly Buffer[]): Value[] =>
      bytes.map((part, i) => TYPES[types[i] as DataType].decode(part));
    this.#updates.push({
      table: context.table.name,
      set,
      op,
      element: {
        key: decode(target.key, keyValue),
        ...(dataValue && { data: decode(dataTypes, dataValue) }),
        ...(timeout !== undefined && { timeout }),
      },
    });
    return undefined;
  }
}

const firstPort = (ports: Ports): number => (typeof ports === 'number' ? ports : ports.from);

function baseChains(tables: readonly Table[], packet: VirtualPacket, { hook, type }: InterpretOptions) {
  const families = packet.saddr.includes(':') ? ['ip6', 'inet'] : ['ip', 'inet'];
  return tables
    .filter((table) => families.includes(table.family))
    .flatMap((table) => table.chains.flatMap((chain) => (chain.base ? [{ table, chain, base: chain.base }] : [])))
    .filter(({ base }) => base.hook === hook && (type === undefined || base.type === type))
    .toSorted((a, b) => a.base.priority - b.base.priority);
}
