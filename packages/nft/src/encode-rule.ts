import { AttributeWriter } from './attribute-writer.ts';
import { prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { dependenciesOf, type Known, learn } from './dependency.ts';
import { alignWord, ExpressionWriter, register, wordsOf } from './encode-expression.ts';
import { concatType, writeElement, writeVerdict } from './encode-set.ts';
import { nftError } from './errors.ts';
import { META, setNamed, yieldsPort } from './expression-type.ts';
import { leftType } from './format-expression.ts';
import type { DataType, MatchOperator, NamedSet, Rule, SetElement, Statement, Table, Value } from './model.ts';
import { checkName, cleanComment } from './name.ts';
import { encodeBounds, encodeValue, isInterval } from './value.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** A set that lives and dies with its rule; it has no name, so the rule refers to `id`. */
export interface AnonymousSet {
  readonly id: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly interval: boolean;
  readonly byteOrder: 'big' | 'host';
  readonly elements: readonly Buffer[];
}

export interface EncodedRule {
  /** The children of NFTA_RULE_EXPRESSIONS. */
  readonly expressions: Buffer;
  readonly sets: readonly AnonymousSet[];
}

/** Flags in NFTA_NAT_FLAGS and its like: NF_NAT_RANGE_PROTO_SPECIFIED, NF_NAT_RANGE_PROTO_RANDOM_FULLY. */
const PORT_GIVEN = 2;
const FULLY_RANDOM = 16;
const OPERATORS: Readonly<Record<MatchOperator, number>> = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 };
const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 } as const;

/** A rule as the kernel's expressions. `nextSetId` numbers the anonymous sets of a transaction. */
export function encodeRule(rule: Rule, table: Table, nextSetId: () => number): EncodedRule {
  const encoder = new RuleEncoder(table, nextSetId);
  for (const statement of rule.statements) encoder.add(statement);
  return { expressions: encoder.writer.out.take(), sets: encoder.sets };
}

class RuleEncoder {
  readonly writer: ExpressionWriter;
  readonly sets: AnonymousSet[] = [];
  readonly #table: Table;
  readonly #nextSetId: () => number;
  readonly #known: Known;

  constructor(table: Table, nextSetId: () => number) {
    this.writer = new ExpressionWriter(table);
    this.#table = table;
    this.#nextSetId = nextSetId;
    this.#known = { values: new Map() };
  }

  add(statement: Statement): void {
    for (const { metaKey, value } of dependenciesOf(statement, this.#table.family, this.#known)) {
      this.writer.meta(metaKey, 0);
      this.writer.compare(0, OPERATORS['=='], value);
    }
    this.#statement(statement);
    learn(statement, this.#known);
  }

  #statement(statement: Statement) {
    const { writer } = this;
    switch (statement.kind) {
      case 'match':
        return this.#match(statement);
      case 'lookup':
        writer.load(statement.key, 0);
        return writer.lookup(checkName(setNamed(this.#table, statement.set).name), 0, {
          invert: statement.invert ?? false,
        });
      case 'vmap':
        writer.load(statement.key, 0);
        return writer.lookup(checkName(setNamed(this.#table, statement.map).name), 0, { dreg: 0 });
      case 'verdict':
        return writer.emit('immediate', (out) => out.u32(1, 0).nest(2, () => writeVerdict(out, statement.verdict)));
      case 'set-mark':
        writer.load(statement.to, 0, 'mark');
        return writer.meta(META.mark.key, 0, 'set');
      case 'set-ct-mark':
        writer.load(statement.to, 0, 'mark');
        return writer.emit('ct', (out) => out.u32(2, 3).u32(4, register(0)));
      case 'dnat':
      case 'snat':
        return this.#nat(statement);
      case 'tproxy':
        return this.#tproxy(statement);
      case 'update':
        return this.#update(statement);
      case 'counter':
      case 'masquerade':
      case 'redirect':
      case 'reject':
      case 'log':
      case 'limit':
      case 'quota':
      case 'notrack':
        return writeSimple(statement, writer, this.#table);
      default:
        throw nftError('NFT_BAD_RULESET', `not encoded yet: ${statement.kind}`);
    }
  }

  #match({ left, op, right }: StatementOf<'match'>) {
    const { writer } = this;
    const type = leftType(left, this.#table);
    if (left.kind === 'fib' && (right === 'exists' || right === 'missing')) {
      writer.fib(left, 0, true);
      return writer.compare(0, OPERATORS[op], TYPES.integer32.encode(right === 'exists' ? 1 : 0));
    }
    writer.load(left, 0);
    if (TYPES[type].flags) return this.#flags(type, op, right);
    if (isList(right)) return this.#anonymous(type, op, right);
    if (op !== '==' && op !== '!=') return this.#ordered(type, op, right);
    this.#equal(type, op, right);
  }

  /** Any of the flags set, or none of them. */
  #flags(type: ValueType, op: MatchOperator, right: Value | readonly Value[]): void {
    const bits = Buffer.alloc(TYPES[type].length);
    for (const value of isList(right) ? right : [right])
      encodeValue(type, value).forEach((byte, i) => {
        bits[i] = (bits[i] ?? 0) | byte;
      });
    const none = Buffer.alloc(bits.length);
    this.writer.mask(0, bits, none);
    this.writer.compare(0, op === '!=' ? OPERATORS['=='] : OPERATORS['!='], none);
  }

  #ordered(type: ValueType, op: MatchOperator, right: Value): void {
    const value = encodeValue(type, right);
    if (TYPES[type].order === 'host' && value.length > 1) {
      this.writer.toBigEndian(0, value.length);
      value.reverse();
    }
    this.writer.compare(0, OPERATORS[op], value);
  }

  #equal(type: ValueType, op: '==' | '!=', right: Value) {
    const { writer } = this;
    if (type === 'ifname' && typeof right === 'string' && right.endsWith('*')) {
      return writer.compare(0, OPERATORS[op], Buffer.from(right.slice(0, -1)));
    }
    const { from, to } = encodeBounds(type, right);
    const prefix = typeof right === 'string' ? prefixBounds(right) : undefined;
    if (from.equals(to)) return writer.compare(0, OPERATORS[op], from);
    if (prefix) {
      const mask = Buffer.from(from.map((byte, i) => ~(byte ^ (to[i] ?? 0)) & 255));
      writer.mask(0, mask, Buffer.alloc(mask.length));
      return writer.compare(0, OPERATORS[op], from);
    }
    if (op === '==') {
      writer.compare(0, OPERATORS['>='], from);
      return writer.compare(0, OPERATORS['<='], to);
    }
    // NFTA_RANGE_*
    writer.emit('range', (out) =>
      out
        .u32(1, register(0))
        .u32(2, 1)
        .nest(3, () => out.bytes(1, from))
        .nest(4, () => out.bytes(1, to)),
    );
  }

  #anonymous(type: ValueType, op: MatchOperator, right: readonly Value[]): void {
    if (op !== '==' && op !== '!=')
      throw nftError('NFT_BAD_RULESET', `a list of values can be compared with == and != only, not ${op}`);
    const interval = right.some(isInterval);
    // Elements are written by the same code as those of named sets; types that only expressions have behave like them.
    const set: NamedSet = { name: 'anonymous', key: [type as DataType], interval, elements: [] };
    const elements = right.map((value): Buffer => {
      const out = new AttributeWriter(64);
      const element: SetElement = { key: [value] };
      writeElement(out, set, element);
      return out.take();
    });
    const id = this.#nextSetId();
    this.sets.push({
      id,
      keyType: concatType([TYPES[type]]),
      keyLength: TYPES[type].length,
      interval,
      byteOrder: TYPES[type].order,
      elements,
    });
    this.writer.lookup('__set%d', 0, { invert: op === '!=', setId: id });
  }

  /** NFTA_NAT_* */
  #nat({ kind, family, to, port, withPort }: StatementOf<'dnat' | 'snat'>): void {
    const { writer } = this;
    const addressType = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
    const words = wordsOf(TYPES[addressType].length);
    writer.load(to, 0, addressType);
    let portWord = withPort || yieldsPort(to, this.#table) ? words : undefined;
    if (port) {
      portWord = alignWord(words);
      writer.load(port, portWord, 'inet_service');
    }
    writer.emit('nat', (out) => {
      out
        .u32(1, kind === 'dnat' ? 1 : 0)
        .u32(2, family === 'ip' ? 2 : 10)
        .u32(3, register(0));
      if (portWord !== undefined) out.u32(5, register(portWord));
      if (port) out.u32(7, PORT_GIVEN);
    });
  }

  /** NFTA_TPROXY_* */
  #tproxy({ family, address, port }: StatementOf<'tproxy'>): void {
    const { writer } = this;
    if (address !== undefined) writer.constant(0, encodeValue(family === 'ip' ? 'ipv4_addr' : 'ipv6_addr', address));
    const portWord = address === undefined ? 0 : 4;
    writer.constant(portWord, encodeValue('inet_service', port));
    writer.emit('tproxy', (out) => {
      out.u32(1, family === 'ip' ? 2 : 10);
      if (address !== undefined) out.u32(2, register(0));
      out.u32(3, register(portWord));
    });
  }

  /** NFTA_DYNSET_* */
  #update({ op, set, key, data, timeout }: StatementOf<'update'>): void {
    const { writer } = this;
    const target = setNamed(this.#table, set);
    writer.load(key, 0);
    const dataWord = alignWord(wordsOf(writer.lengthOf(key)));
    const dataType = target.data !== undefined && target.data !== 'verdict' ? target.data[0] : undefined;
    if (data) writer.load(data, dataWord, dataType);
    writer.emit('dynset', (out) => {
      out.text(1, checkName(set)).u32(3, { add: 0, update: 1, delete: 2 }[op]).u32(4, register(0));
      if (data) out.u32(5, register(dataWord));
      if (timeout !== undefined) out.u64(6, timeout * 1000);
    });
  }
}

const isList = (right: Value | readonly Value[]): right is readonly Value[] => Array.isArray(right);

type Simple = StatementOf<'counter' | 'masquerade' | 'redirect' | 'reject' | 'log' | 'limit' | 'quota' | 'notrack'>;

/** Statements that read nothing but their own parameters. */
function writeSimple(statement: Simple, writer: ExpressionWriter, table: Table) {
  switch (statement.kind) {
    case 'counter':
    case 'notrack':
      return writer.emit(statement.kind, () => undefined);
    case 'masquerade': // NFTA_MASQ_FLAGS
      return writer.emit('masq', (out) => {
        if (statement.fullyRandom) out.u32(1, FULLY_RANDOM);
      });
    case 'redirect':
      if (statement.port !== undefined) writer.constant(0, encodeValue('inet_service', statement.port as number));
      return writer.emit('redir', (out) => {
        if (statement.port !== undefined) out.u32(1, register(0)).u32(3, PORT_GIVEN);
      });
    case 'reject':
      return writeReject(statement, writer, table);
    case 'log': // NFTA_LOG_*
      return writer.emit('log', (out) => {
        if (statement.prefix !== undefined) out.text(2, cleanComment(statement.prefix));
        if (statement.group !== undefined) out.bytes(1, Buffer.from([statement.group >> 8, statement.group & 255]));
      });
    case 'limit': // NFTA_LIMIT_*
      return writer.emit('limit', (out) =>
        out
          .u64(1, statement.rate)
          .u64(2, SECONDS[statement.per])
          .u32(3, statement.burst ?? 5)
          .u32(4, 0)
          .u32(5, statement.over ? 1 : 0),
      );
    case 'quota': // NFTA_QUOTA_*
      return writer.emit('quota', (out) => out.u64(1, statement.bytes).u32(2, statement.over ? 1 : 0));
  }
}

/** ICMP type 3, ICMPv6 type 1 and the family-independent codes. */
const REJECT_CODES: Readonly<Record<'ip' | 'ip6' | 'other', Readonly<Record<string, number>>>> = {
  ip: { 'port-unreachable': 3, 'host-unreachable': 1, 'admin-prohibited': 13 },
  ip6: { 'port-unreachable': 4, 'host-unreachable': 3, 'admin-prohibited': 1 },
  other: { 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 },
};

/** NFTA_REJECT_*: type 0 ICMP of the family, 1 TCP reset, 2 family-independent */
function writeReject({ with: reason }: StatementOf<'reject'>, writer: ExpressionWriter, { family }: Table): void {
  const kind = family === 'ip' || family === 'ip6' ? family : 'other';
  const type = reason === 'tcp-reset' ? 1 : kind === 'other' ? 2 : 0;
  writer.emit('reject', (out) => {
    out.u32(1, type);
    if (type !== 1) out.u8(2, REJECT_CODES[kind][reason] ?? 0);
  });
}
