import { AttributeWriter, openBody } from './attribute-writer.ts';
import { type Command, formatCommand } from './change.ts';
import { comesBeforeRules, commandsOf, type TableDelta } from './diff.ts';
import type { SetDelta } from './element-index.ts';
import { ElementEncoder } from './encode-element.ts';
import { TableEncoder, type WireMessage } from './encode-table.ts';
import type { NamedSet, SetElement, Table } from './model.ts';
import { checkName } from './name.ts';
import { ELEMENTS, FLAG, MESSAGE, messageType } from './wire.ts';

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

/** What is the same in all messages about elements of one set. */
interface Kept {
  readonly family: Table['family'];
  readonly table: string;
  readonly encoder: ElementEncoder;
  /** The body up to and with the header of the list of elements. */
  readonly head: Buffer;
  /** Where that header stands. */
  readonly open: number;
}

const KEPT = new WeakMap<NamedSet, Kept>();

function keptOf({ family, name }: Table, set: NamedSet): Kept {
  const kept = KEPT.get(set);
  if (kept?.table === name && kept.family === family) return kept;
  const out = openBody(family).text(ELEMENTS.table, checkName(name)).text(ELEMENTS.set, checkName(set.name));
  const open = out.open(ELEMENTS.elements);
  const made = { family, table: name, encoder: new ElementEncoder(set), head: out.take(), open };
  KEPT.set(set, made);
  return made;
}

/** The messages that take the elements out or put them in. */
export function encodeElements(table: Table, deltas: readonly SetDelta[], op: 'add' | 'delete'): WireMessage[] {
  const messages: WireMessage[] = [];
  for (const { set, add, remove } of deltas) {
    const elements = op === 'add' ? add : remove;
    if (elements.length > 0) new ElementMessages(table, set, op).encode(elements, messages);
  }
  return messages;
}

class ElementMessages {
  readonly #table: Table;
  readonly #set: NamedSet;
  readonly #op: 'add' | 'delete';
  readonly #kept: Kept;

  constructor(table: Table, set: NamedSet, op: 'add' | 'delete') {
    this.#table = table;
    this.#set = set;
    this.#op = op;
    this.#kept = keptOf(table, set);
  }

  /** Appends as many messages as it takes. */
  encode(elements: readonly SetElement[], messages: WireMessage[]): void {
    const { encoder } = this.#kept;
    const keyOnly = this.#op === 'delete';
    let out = this.#begin(elements.length);
    let from = 0;
    for (let i = 0; i < elements.length; i++) {
      if (out.length > ELEMENT_BYTES) {
        messages.push(this.#finish(out, elements.slice(from, i)));
        out = this.#begin(elements.length - i);
        from = i;
      }
      encoder.write(out, elements[i] as SetElement, keyOnly);
    }
    messages.push(this.#finish(out, from === 0 ? elements : elements.slice(from)));
  }

  /** A message as far as the first element. */
  #begin(count: number): AttributeWriter {
    return new AttributeWriter(Math.min(65_536, 128 + 64 * count)).raw(this.#kept.head);
  }

  #finish(out: AttributeWriter, elements: readonly SetElement[]): WireMessage {
    const remove = this.#op === 'delete';
    return {
      type: messageType(remove ? MESSAGE.deleteElements : MESSAGE.newElements),
      flags: remove ? 0 : FLAG.create,
      body: out.close(this.#kept.open).finish(),
      purpose: (offset) => this.#purpose(elements, offset),
    };
  }

  /** Names the element that the kernel points at, or the first. */
  #purpose(elements: readonly SetElement[], offset: number | undefined): string {
    const kind = `${this.#op}-element` as const;
    const textOf = (element: SetElement) => formatCommand({ kind, set: this.#set, element }, this.#table);
    const guilty = offset === undefined ? undefined : this.#elementAt(elements, offset - this.#kept.head.length);
    const [one] = elements;
    if (guilty) return textOf(guilty);
    return one ? `${textOf(one)}${elements.length > 1 ? ` and ${elements.length - 1} more elements` : ''}` : kind;
  }

  #elementAt(elements: readonly SetElement[], offset: number): SetElement | undefined {
    const out = new AttributeWriter();
    return elements.find((element) => {
      this.#kept.encoder.write(out, element, this.#op === 'delete');
      return out.length > offset;
    });
  }
}
