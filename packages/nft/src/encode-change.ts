import { AttributeWriter } from './attribute-writer.ts';
import type { NftChange } from './change.ts';
import { type AnonymousSet, encodeRule } from './encode-rule.ts';
import { writeElement, writeSet } from './encode-set.ts';
import { nftError } from './errors.ts';
import type { Chain, NamedSet, Rule, Table } from './model.ts';
import { checkName, cleanComment } from './name.ts';
import { commentUserdata } from './userdata.ts';
import {
  BYTE_ORDER,
  CHAIN,
  DESCRIPTION,
  ELEMENTS,
  FAMILY,
  FLAG,
  HOOK,
  hookNumber,
  MESSAGE,
  RULE,
  SET,
  SET_FLAG,
  TABLE,
} from './wire.ts';

/** A message of a batch, without netlink header and nfgenmsg. */
export interface WireMessage {
  /** NFT_MSG_* */
  readonly message: number;
  /** NLM_F_* besides NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
  readonly family: number;
  readonly attributes: Buffer;
  /** For people: what the message does. */
  readonly purpose: () => string;
}

/** An attribute's length has 16 bits; elements of one message stay below. */
const ELEMENT_BYTES = 60_000;

/** The messages of the changes, elements of one set packed together. */
export function encodeChanges(table: Table, changes: readonly NftChange[]): WireMessage[] {
  const encoder = new ChangeEncoder(table);
  for (const change of changes) encoder.add(change);
  return encoder.finish();
}

class ChangeEncoder {
  readonly #table: Table;
  readonly #family: number;
  readonly #messages: WireMessage[] = [];
  #setId = 0;
  #pending: { out: AttributeWriter; set: NamedSet; remove: boolean; first: NftChange; count: number } | undefined;

  constructor(table: Table) {
    this.#table = table;
    this.#family = FAMILY[table.family];
  }

  finish(): WireMessage[] {
    this.#flush();
    return this.#messages;
  }

  add(change: NftChange) {
    const { command } = change;
    if (command.kind === 'add-element' || command.kind === 'delete-element') {
      this.#element(change, command.set, command.kind === 'delete-element');
      return;
    }
    this.#flush();
    const purpose = () => change.text;
    switch (command.kind) {
      case 'add-table':
        return this.#push(MESSAGE.newTable, FLAG.create, purpose, (out) => this.#writeTable(out));
      case 'delete-table':
        return this.#push(MESSAGE.deleteTable, 0, purpose, (out) => out.text(TABLE.name, checkName(this.#table.name)));
      case 'add-chain':
      case 'set-policy':
        return this.#push(MESSAGE.newChain, FLAG.create, purpose, (out) => this.#writeChain(out, command.chain));
      case 'delete-chain':
        return this.#push(MESSAGE.deleteChain, 0, purpose, (out) =>
          this.#named(out, CHAIN.table).text(CHAIN.name, command.chain.name),
        );
      case 'flush-chain':
        return this.#push(MESSAGE.deleteRule, 0, purpose, (out) =>
          this.#named(out, RULE.table).text(RULE.chain, command.chain.name),
        );
      case 'add-set':
        return this.#push(MESSAGE.newSet, FLAG.create, purpose, (out) =>
          writeSet(this.#named(out, SET.table), command.set, ++this.#setId),
        );
      case 'delete-set':
        return this.#push(MESSAGE.deleteSet, 0, purpose, (out) =>
          this.#named(out, SET.table).text(SET.name, command.set.name),
        );
      case 'add-rule':
        return this.#rule(command.chain, command.rule, purpose);
    }
  }

  #push(message: number, flags: number, purpose: () => string, write: (out: AttributeWriter) => unknown): void {
    const out = new AttributeWriter();
    write(out);
    this.#messages.push({ message, flags, family: this.#family, attributes: out.take(), purpose });
  }

  #named(out: AttributeWriter, attribute: number): AttributeWriter {
    return out.text(attribute, checkName(this.#table.name));
  }

  #writeTable(out: AttributeWriter): void {
    this.#named(out, TABLE.name);
    if (this.#table.comment !== undefined) out.bytes(TABLE.userdata, commentUserdata(this.#table.comment));
  }

  #writeChain(out: AttributeWriter, { name, base, comment }: Chain): void {
    this.#named(out, CHAIN.table).text(CHAIN.name, checkName(name));
    if (base) {
      const hook = hookNumber(this.#table.family, base.hook);
      if (hook === undefined)
        throw nftError('NFT_BAD_RULESET', `family ${this.#table.family} has no hook ${base.hook} (chain ${name})`);
      out.nest(CHAIN.hook, () => {
        out.u32(HOOK.number, hook).u32(HOOK.priority, base.priority);
        if (base.device !== undefined) out.text(HOOK.device, base.device);
      });
      out.u32(CHAIN.policy, base.policy === 'drop' ? 0 : 1).text(CHAIN.type, base.type);
    }
    if (comment !== undefined) out.bytes(CHAIN.userdata, commentUserdata(comment));
  }

  #rule(chain: Chain, rule: Rule, purpose: () => string): void {
    const encoded = encodeRule(rule, this.#table, () => ++this.#setId);
    for (const set of encoded.sets) this.#anonymousSet(set, purpose);
    this.#push(MESSAGE.newRule, FLAG.create | FLAG.append, purpose, (out) => {
      this.#named(out, RULE.table).text(RULE.chain, checkName(chain.name));
      out.nest(RULE.expressions, () => out.raw(encoded.expressions));
      if (rule.comment !== undefined && cleanComment(rule.comment) !== '')
        out.bytes(RULE.userdata, commentUserdata(rule.comment));
    });
  }

  #anonymousSet(set: AnonymousSet, purpose: () => string): void {
    this.#push(MESSAGE.newSet, FLAG.create, purpose, (out) => {
      this.#named(out, SET.table).text(SET.name, '__set%d');
      out.u32(SET.flags, SET_FLAG.anonymous | SET_FLAG.constant | (set.interval ? SET_FLAG.interval : 0));
      out.u32(SET.keyType, set.keyType).u32(SET.keyLength, set.keyLength).u32(SET.id, set.id);
      out.nest(SET.description, () => out.u32(DESCRIPTION.size, set.elements.length * (set.interval ? 2 : 1) + 1));
      out.bytes(SET.userdata, Buffer.from([0, 4, BYTE_ORDER[set.byteOrder], 0, 0, 0]));
    });
    this.#push(MESSAGE.newElements, FLAG.create, purpose, (out) => {
      this.#named(out, ELEMENTS.table).text(ELEMENTS.set, '__set%d').u32(ELEMENTS.setId, set.id);
      out.nest(ELEMENTS.elements, () => {
        for (const element of set.elements) out.raw(element);
      });
    });
  }

  #element(change: NftChange, set: NamedSet, remove: boolean): void {
    const { command } = change;
    if (!('element' in command)) return;
    if (
      this.#pending &&
      (this.#pending.set !== set || this.#pending.remove !== remove || this.#pending.out.length > ELEMENT_BYTES)
    )
      this.#flush();
    this.#pending ??= { out: new AttributeWriter(1024), set, remove, first: change, count: 0 };
    writeElement(this.#pending.out, set, command.element, { keyOnly: remove });
    this.#pending.count++;
  }

  #flush(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    const { out: elements, set, remove, first, count } = pending;
    const purpose = () => (count === 1 ? first.text : `${first.text} and ${count - 1} more elements`);
    this.#push(remove ? MESSAGE.deleteElements : MESSAGE.newElements, remove ? 0 : FLAG.create, purpose, (out) => {
      this.#named(out, ELEMENTS.table).text(ELEMENTS.set, checkName(set.name));
      out.nest(ELEMENTS.elements, () => out.raw(elements.take()));
    });
  }
}
