import { type Instruction, type KnownExpression, wordOf } from './bytecode.ts';
import type { ValueType } from './data-type.ts';
import { actionOf, assigned } from './decode-action.ts';
import { assignmentOf } from './decode-assignment.ts';
import { loadedBy } from './decode-load.ts';
import { keyOf, lookupOf, type SetScope } from './decode-lookup.ts';
import { matchesOf, rangeMatchOf } from './decode-match.ts';
import { verdictOf } from './decode-set.ts';
import { objectKind, simpleOf } from './decode-simple.ts';
import { statefulList } from './decode-state.ts';
import { lengthOf } from './expression-type.ts';
import type { Expression, MatchOperator, Statement, TableFamily } from './model.ts';
import { ProtocolContext } from './protocol-context.ts';
import { RegisterFile } from './register-file.ts';
import { Inexpressible, type Operation, type Term } from './term.ts';

/** Where a rule stands. */
export interface RuleScope {
  readonly family: TableFamily;
  readonly sets: SetScope;
  /** Names no header that the matches before do not promise; false: names none at all. */
  readonly naming: boolean;
}

/**
 * The statements that the bytecode of a rule stands for, every one of its comparisons as a match. What the model cannot
 * say is an `unknown` statement.
 *
 *   meta load l4proto => reg 1 ┐                    registers hold terms: where a value comes from and what
 *   cmp eq reg 1 6             ┘ meta l4proto tcp   was done to it; an instruction that reads one and acts
 *   payload load 2b @ th + 2   ┐                    makes a statement
 *   cmp eq reg 1 80            ┘ tcp dport 80
 */
export function decompile(instructions: readonly Instruction[], scope: RuleScope): Statement[] {
  try {
    return new Decompiler(instructions, scope).run();
  } catch (error) {
    if (!(error instanceof Inexpressible)) throw error;
    return [unknown(instructions)];
  }
}

const unknown = (instructions: readonly Instruction[]): Statement => ({
  kind: 'unknown',
  expressions: instructions.map(({ raw }) => raw),
});

class Decompiler {
  readonly #instructions: readonly Instruction[];
  readonly #scope: RuleScope;
  readonly #registers = new RegisterFile();
  readonly #protocols: ProtocolContext;
  readonly #statements: Statement[] = [];
  #at = 0;
  /** The first instruction that no statement stands for yet. */
  #start = 0;

  constructor(instructions: readonly Instruction[], scope: RuleScope) {
    this.#instructions = instructions;
    this.#scope = scope;
    this.#protocols = new ProtocolContext(scope.naming ? scope.family : undefined);
  }

  run(): Statement[] {
    while (this.#at < this.#instructions.length) {
      const instruction = this.#instructions[this.#at] as Instruction;
      try {
        this.#step(instruction);
      } catch (error) {
        if (!(error instanceof Inexpressible)) throw error;
        this.#giveUp(instruction, error);
      }
      this.#at++;
    }
    if (this.#start < this.#instructions.length) this.#keepRest();
    return this.#statements;
  }

  #emit(...statements: readonly Statement[]): void {
    for (const statement of statements) {
      this.#statements.push(statement);
      this.#protocols.learn(statement);
    }
    this.#start = this.#at + 1;
  }

  #write(word: number | undefined, term: Term): void {
    this.#registers.write(word, term, this.#at);
  }

  #step(instruction: Instruction) {
    if (instruction.name === 'unknown') throw new Inexpressible(`the expression ${instruction.raw.name}`);
    const context = { family: this.#scope.family, registers: this.#registers, protocols: this.#protocols };
    const loaded = loadedBy(instruction) ?? this.#computed(instruction);
    if (loaded) return this.#write(loaded.word, loaded.term);
    const statement =
      simpleOf(instruction, context) ?? actionOf(instruction, context) ?? assignmentOf(instruction, context);
    if (statement) return this.#emit(statement);
    this.#match(instruction);
  }

  /** Instructions that change what a register holds. */
  #computed(instruction: KnownExpression): { readonly word: number | undefined; readonly term: Term } | undefined {
    const { data } = instruction;
    switch (instruction.name) {
      case 'bitwise':
      case 'byteorder': {
        const term = this.#registers.read(wordOf(instruction.data.sreg));
        if (term.length !== instruction.data.length) throw new Inexpressible('a part of a value');
        const operations = [...term.operations, operationOf(instruction)];
        return { word: wordOf(instruction.data.dreg), term: { ...term, operations } };
      }
      case 'hash':
        return { word: wordOf(instruction.data.dreg), term: this.#hash(instruction.data) };
      case 'xfrm':
      case 'tunnel':
        return { word: wordOf('dreg' in data ? data.dreg : undefined), term: OPAQUE };
      default:
        return undefined;
    }
  }

  #hash(data: Extract<KnownExpression, { name: 'hash' }>['data']): Term {
    const { type, modulus = 1, seed, offset, length = 0 } = data;
    const rest = { modulus, ...(offset && { offset }) };
    if (type === 'symmetric') return integer({ kind: 'symhash', ...rest });
    const { expression: of } = keyOf(this.#registers.span(wordOf(data.sreg), length), {}, this.#protocols);
    return integer({ kind: 'jhash', of, ...rest, ...(seed !== undefined && { seed }) });
  }

  #match(instruction: KnownExpression) {
    switch (instruction.name) {
      case 'immediate':
        return this.#emit({ kind: 'verdict', verdict: verdictOf(instruction.data.data) });
      case 'cmp':
        return this.#compare(instruction.data);
      case 'range':
        return this.#range(instruction.data);
      case 'lookup': {
        const found = lookupOf(instruction, {
          registers: this.#registers,
          protocols: this.#protocols,
          sets: this.#scope.sets,
        });
        return 'statement' in found ? this.#emit(found.statement) : this.#write(found.word, found.term);
      }
      case 'dynset':
        return this.#update(instruction.data);
      case 'objref':
        return this.#object(instruction.data);
      default:
        throw new Inexpressible(`the expression ${instruction.name}`);
    }
  }

  /** `>=` and `<=` of the same register are a range. */
  #compare({ sreg, op, data }: Extract<KnownExpression, { name: 'cmp' }>['data']) {
    const term = this.#registers.read(wordOf(sreg));
    const bytes = Buffer.from(data?.value ?? []);
    if (typeof op !== 'string') throw new Inexpressible(`comparison ${op}`);
    const next = this.#instructions[this.#at + 1];
    const isRange = op === '>=' && next?.name === 'cmp' && next.data.op === '<=' && next.data.sreg === sreg;
    if (!isRange) return this.#emit(...matchesOf(term, { op: op as MatchOperator, bytes }, this.#protocols));
    const to = Buffer.from(next.data.data?.value ?? []);
    const match = rangeMatchOf(term, { op: '==', from: bytes, to }, this.#protocols);
    this.#at++;
    this.#emit(match);
  }

  #range({ sreg, op, from, to }: Extract<KnownExpression, { name: 'range' }>['data']): void {
    const term = this.#registers.read(wordOf(sreg));
    const ends = { from: Buffer.from(from?.value ?? []), to: Buffer.from(to?.value ?? []) };
    this.#emit(rangeMatchOf(term, { op: op === '!=' ? '!=' : '==', ...ends }, this.#protocols));
  }

  #update(data: Extract<KnownExpression, { name: 'dynset' }>['data']): void {
    const { set: name = '', op, keyReg, dataReg, timeout, expression, expressions, flags } = data;
    const set = this.#scope.sets.named(name);
    if (!set || (op !== 'add' && op !== 'update' && op !== 'delete') || flags?.includes('inverted'))
      throw new Inexpressible(`a change of the set ${name}`);
    const key = keyOf(this.#registers.span(wordOf(keyReg), lengthOf(set.key)), set, this.#protocols);
    if (key.trailing > 0) throw new Inexpressible('part of a byte in a named set');
    const types = set.data === 'verdict' ? [] : (set.data ?? []);
    const statements = statefulList(expression, expressions);
    this.#emit({
      kind: 'update',
      op,
      set: name,
      key: key.expression,
      ...(dataReg !== undefined && { data: this.#dataFor(types, dataReg) }),
      ...(timeout && { timeout: Number(timeout) / 1000 }),
      ...(statements.length > 0 && { statements }),
    });
  }

  #dataFor(types: readonly ValueType[], register: number): Expression {
    const terms = this.#registers.span(wordOf(register), lengthOf(types));
    const parts = terms.map((term, i) => assigned(term, types[i] ?? 'mark', this.#protocols));
    const [first] = parts;
    if (!first) throw new Inexpressible('data without a register');
    return parts.length === 1 ? first : { kind: 'concat', parts };
  }

  #object(data: Extract<KnownExpression, { name: 'objref' }>['data']) {
    if (data.name !== undefined) return this.#emit({ kind: 'objref', type: objectKind(data.type), name: data.name });
    const set = this.#scope.sets.named(data.set ?? '');
    if (!set?.objects) throw new Inexpressible('objects of a map of its own');
    const key = keyOf(this.#registers.span(wordOf(data.sreg), lengthOf(set.key)), set, this.#protocols);
    this.#emit({ kind: 'objref-map', type: set.objects, key: key.expression, map: set.name });
  }

  /** What could not be read goes on as bytecode, if it reads no register but its own. */
  #giveUp(instruction: Instruction, reason: Inexpressible) {
    const word = 'dreg' in (instruction.data ?? {}) ? wordOf((instruction.data as { dreg?: number }).dreg) : undefined;
    if (word !== undefined && instruction.name !== 'lookup') return this.#write(word, OPAQUE);
    const group = this.#instructions.slice(this.#start, this.#at + 1);
    if (group.some((one) => one.name === 'unknown') || !standsAlone(group)) throw reason;
    this.#emit(unknown(group));
    this.#registers.forget();
  }

  /** Values that were loaded and never used. */
  #keepRest(): void {
    this.#statements.push(unknown(this.#instructions.slice(this.#start)));
  }
}

const OPAQUE: Term = { source: { kind: 'opaque' }, length: 16, operations: [] };

const integer = (expression: Expression): Term => ({
  source: { kind: 'expression', expression, types: ['integer32'] },
  length: 4,
  operations: [],
});

function operationOf({ name, data }: Extract<KnownExpression, { name: 'bitwise' | 'byteorder' }>): Operation {
  if (name === 'byteorder') {
    if (data.size !== data.length) throw new Inexpressible('several numbers turned round at once');
    return { kind: 'swap' };
  }
  const { op = 'mask', mask, xor, data: amount } = data;
  if (op === 'mask') return { kind: 'mask', mask: Buffer.from(mask?.value ?? []), xor: Buffer.from(xor?.value ?? []) };
  if (op !== '<<' && op !== '>>') throw new Inexpressible(`the operation ${op}`);
  const bytes = Buffer.from(amount?.value ?? []);
  if (bytes.length !== 4) throw new Inexpressible(`a shift by a number of ${bytes.length} bytes`);
  return { kind: 'shift', direction: op === '<<' ? 'left' : 'right', bits: bytes.readUInt32LE(0) };
}

const REGISTERS_READ = [
  'sreg',
  'sreg2',
  'keyReg',
  'dataReg',
  'addressMin',
  'addressMax',
  'portMin',
  'portMax',
] as const;

/** Whether every register that the instructions read was written by one of them. */
function standsAlone(group: readonly Instruction[]): boolean {
  const written = new Set<number>();
  return group.every(({ data = {} }) => {
    const numbers = data as Readonly<Record<string, unknown>>;
    const reads = REGISTERS_READ.map((key) => numbers[key]).filter((register) => typeof register === 'number');
    const known = reads.every((register) => written.has(wordOf(register) ?? -1));
    if (typeof numbers.dreg === 'number') written.add(wordOf(numbers.dreg) ?? -1);
    return known;
  });
}
