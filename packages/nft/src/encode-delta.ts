import { AttributeWriter } from './attribute-writer.ts';
import { type Command, formatCommand } from './change.ts';
import { comesBeforeRules, commandsOf, type TableDelta } from './diff.ts';
import type { SetDelta } from './element-index.ts';
import { ElementEncoder } from './encode-element.ts';
import { TableEncoder, type WireMessage } from './encode-table.ts';
import type { NamedSet, SetElement, Table } from './model.ts';
import { checkName } from './name.ts';
import { ELEMENTS, FAMILY, FLAG, MESSAGE } from './wire.ts';

/** An attribute's length has 16 bits; no element is longer than what is left of them. */
const ELEMENT_BYTES = 64_000;

/** The messages of a difference, elements of one set packed together. */
export function encodeDelta(delta: TableDelta): WireMessage[] {
  const { sets } = delta;
  const bare = { ...delta, sets: { ...sets, elements: [] } };
  const encoder = new TableEncoder(delta.table);
  const [before, after] = split(commandsOf(bare));
  const early = sets.elements.filter(({ set }) => comesBeforeRules(set));
  const late = sets.elements.filter(({ set }) => !comesBeforeRules(set));
  return [
    ...before.flatMap((command) => encoder.encode(command)),
    ...encodeElements(delta.table, sets.elements, 'delete'),
    ...after.removing.flatMap((command) => encoder.encode(command)),
    ...encodeElements(delta.table, early, 'add'),
    ...after.rules.flatMap((command) => encoder.encode(command)),
    ...encodeElements(delta.table, late, 'add'),
  ];
}

/** Where elements go among the commands: out behind the flushing of chains, in before or behind the rules. */
function split(commands: readonly Command[]): [Command[], { removing: Command[]; rules: Command[] }] {
  const first = commands.filter(({ kind }) => kind === 'add-table' || kind === 'set-table' || kind === 'flush-chain');
  const rules = commands.filter(({ kind }) => kind === 'add-rule');
  const done = new Set([...first, ...rules]);
  return [first, { removing: commands.filter((command) => !done.has(command)), rules }];
}

const ENCODERS = new WeakMap<NamedSet, ElementEncoder>();

function encoderOf(set: NamedSet): ElementEncoder {
  let encoder = ENCODERS.get(set);
  if (!encoder) {
    encoder = new ElementEncoder(set);
    ENCODERS.set(set, encoder);
  }
  return encoder;
}

/** The messages that take the elements out or put them in. */
export function encodeElements(table: Table, deltas: readonly SetDelta[], op: 'add' | 'delete'): WireMessage[] {
  return deltas.flatMap(({ set, add, remove }) => {
    const elements = op === 'add' ? add : remove;
    return elements.length === 0 ? [] : new ElementMessages(table, set, op).encode(elements);
  });
}

class ElementMessages {
  readonly #table: Table;
  readonly #set: NamedSet;
  readonly #op: 'add' | 'delete';

  constructor(table: Table, set: NamedSet, op: 'add' | 'delete') {
    this.#table = table;
    this.#set = set;
    this.#op = op;
  }

  encode(elements: readonly SetElement[]): WireMessage[] {
    const encoder = encoderOf(this.#set);
    const keyOnly = this.#op === 'delete';
    const messages: WireMessage[] = [];
    let [out, open, first] = this.#begin(elements.length);
    let from = 0;
    for (let i = 0; i < elements.length; i++) {
      if (out.length - open > ELEMENT_BYTES) {
        messages.push(this.#finish(out.close(open), { first, elements: elements.slice(from, i) }));
        [out, open, first] = this.#begin(elements.length - i);
        from = i;
      }
      encoder.write(out, elements[i] as SetElement, keyOnly);
    }
    messages.push(this.#finish(out.close(open), { first, elements: from === 0 ? elements : elements.slice(from) }));
    return messages;
  }

  /** A message as far as the list of elements: the writer, and where the list and its first element begin. */
  #begin(count: number): [AttributeWriter, number, number] {
    const out = new AttributeWriter(Math.min(65_536, 128 + 64 * count));
    out.text(ELEMENTS.table, checkName(this.#table.name)).text(ELEMENTS.set, checkName(this.#set.name));
    const open = out.open(ELEMENTS.elements);
    return [out, open, out.length];
  }

  #finish(out: AttributeWriter, part: { first: number; elements: readonly SetElement[] }): WireMessage {
    const remove = this.#op === 'delete';
    return {
      message: remove ? MESSAGE.deleteElements : MESSAGE.newElements,
      flags: remove ? 0 : FLAG.create,
      family: FAMILY[this.#table.family],
      attributes: out.finish(),
      purpose: (offset) => this.#purpose(part, offset),
    };
  }

  /** Names the element that the kernel points at, or the first. */
  #purpose(
    { first, elements }: { first: number; elements: readonly SetElement[] },
    offset: number | undefined,
  ): string {
    const kind = `${this.#op}-element` as const;
    const textOf = (element: SetElement) => formatCommand({ kind, set: this.#set, element }, this.#table);
    const guilty = offset === undefined ? undefined : this.#elementAt(elements, offset - first);
    const [one] = elements;
    if (guilty) return textOf(guilty);
    return one ? `${textOf(one)}${elements.length > 1 ? ` and ${elements.length - 1} more elements` : ''}` : kind;
  }

  #elementAt(elements: readonly SetElement[], offset: number): SetElement | undefined {
    const out = new AttributeWriter();
    return elements.find((element) => {
      encoderOf(this.#set).write(out, element, this.#op === 'delete');
      return out.length > offset;
    });
  }
}
