import type { NetlinkMessage } from '@podwire/kernel';
import type { AnonymousSet } from './anonymous-set.ts';
import { type AttributeWriter, openBody } from './attribute-writer.ts';
import { type Command, formatCommand } from './change.ts';
import { writeFlowtable, writeObject } from './encode-object.ts';
import { encodeRule } from './encode-rule.ts';
import { writeSet } from './encode-set.ts';
import { nftError } from './errors.ts';
import { devicesOf } from './format.ts';
import type { Chain, Rule, Table } from './model.ts';
import { checkIfname, checkName, commentOf } from './name.ts';
import { checkRule } from './rule-check.ts';
import { commentUserdata } from './userdata.ts';
import { checkPriority } from './whole-number.ts';
import {
  CHAIN,
  CHAIN_FLAG,
  DEVICE_NAME,
  ELEMENTS,
  FLAG,
  FLOWTABLE,
  HOOK,
  hookNumber,
  MESSAGE,
  messageType,
  OBJECT,
  OBJECT_TYPE,
  RULE,
  SET,
  TABLE,
  TABLE_FLAG,
} from './wire.ts';

/** An attribute's length has 16 bits, of which its header takes 4 bytes. */
const LIST_BYTES = 65_528;

/** A message of a batch. */
export interface WireMessage extends NetlinkMessage {
  /** For people: what the message does; `offset` into the body is what the kernel points at. */
  readonly purpose: (offset?: number) => string;
}

/** What a message is about, but for what it says about it. */
interface Request extends Pick<WireMessage, 'purpose'> {
  /** NFT_MSG_* */
  readonly message: number;
  /** NLM_F_* besides NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
}

/** Commands on one table as messages of a transaction; elements of named sets are left to `encodeElements`. */
export class TableEncoder {
  readonly #table: Table;
  #setId = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  encode(command: Command): WireMessage[] {
    const purpose = () => formatCommand(command, this.#table);
    const one = (message: number, flags: number, write: (out: AttributeWriter) => unknown) => [
      this.#message({ message, flags, purpose }, write),
    ];
    switch (command.kind) {
      case 'add-table':
      case 'set-table':
        return one(MESSAGE.newTable, FLAG.create, (out) => this.#writeTable(out, command.kind === 'set-table'));
      case 'delete-table':
        return one(MESSAGE.deleteTable, 0, (out) => this.#named(out, TABLE.name));
      case 'add-chain':
      case 'set-policy':
        return one(MESSAGE.newChain, FLAG.create, (out) => this.#writeChain(out, command.chain));
      case 'delete-chain':
        return one(MESSAGE.deleteChain, 0, (out) => this.#named(out, CHAIN.table).text(CHAIN.name, command.chain.name));
      case 'flush-chain':
        return one(MESSAGE.deleteRule, 0, (out) => this.#named(out, RULE.table).text(RULE.chain, command.chain.name));
      case 'add-set':
        return one(MESSAGE.newSet, FLAG.create, (out) =>
          writeSet(this.#named(out, SET.table), command.set, ++this.#setId),
        );
      case 'delete-set':
        return one(MESSAGE.deleteSet, 0, (out) => this.#named(out, SET.table).text(SET.name, command.set.name));
      case 'add-rule':
        return this.#rule(command.chain, command.rule, purpose);
      default:
        return this.#object(command, one);
    }
  }

  #object(
    command: Extract<Command, { kind: `${string}-object` | `${string}-flowtable` | `${string}-element` }>,
    one: (message: number, flags: number, write: (out: AttributeWriter) => unknown) => WireMessage[],
  ): WireMessage[] {
    switch (command.kind) {
      case 'add-object':
        return one(MESSAGE.newObject, FLAG.create, (out) =>
          writeObject(this.#named(out, OBJECT.table), command.object),
        );
      case 'delete-object':
        return one(MESSAGE.deleteObject, 0, (out) =>
          this.#named(out, OBJECT.table)
            .text(OBJECT.name, command.object.name)
            .u32(OBJECT.type, OBJECT_TYPE[command.object.kind]),
        );
      case 'add-flowtable':
        return one(MESSAGE.newFlowtable, FLAG.create, (out) =>
          writeFlowtable(this.#named(out, FLOWTABLE.table), command.flowtable),
        );
      case 'delete-flowtable':
        return one(MESSAGE.deleteFlowtable, 0, (out) =>
          this.#named(out, FLOWTABLE.table).text(FLOWTABLE.name, command.flowtable.name),
        );
      case 'add-element':
      case 'delete-element':
        return [];
    }
  }

  #message({ message, flags, purpose }: Request, write: (out: AttributeWriter) => unknown): WireMessage {
    const out = openBody(this.#table.family);
    write(out);
    return { type: messageType(message), flags, body: out.take(), purpose };
  }

  #named(out: AttributeWriter, attribute: number): AttributeWriter {
    return out.text(attribute, checkName(this.#table.name));
  }

  #writeTable(out: AttributeWriter, update: boolean): void {
    const { dormant, owner, comment } = this.#table;
    const flags = (dormant ? TABLE_FLAG.dormant : 0) | (owner ? TABLE_FLAG.owner : 0);
    this.#named(out, TABLE.name);
    if (flags || update) out.u32(TABLE.flags, flags);
    if (commentOf(comment) !== undefined) out.bytes(TABLE.userdata, commentUserdata(comment ?? ''));
  }

  #writeChain(out: AttributeWriter, { name, base, comment }: Chain): void {
    this.#named(out, CHAIN.table).text(CHAIN.name, checkName(name));
    if (base) {
      const hook = hookNumber(this.#table.family, base.hook);
      if (hook === undefined)
        throw nftError('NFT_BAD_RULESET', `family ${this.#table.family} has no hook ${base.hook} (chain ${name})`);
      out.nest(CHAIN.hook, () => {
        out.u32(HOOK.number, hook).u32(HOOK.priority, checkPriority(base.priority));
        writeDevices(out, devicesOf(base));
      });
      out.u32(CHAIN.policy, base.policy === 'drop' ? 0 : 1).text(CHAIN.type, base.type);
      if (base.offload) out.u32(CHAIN.flags, CHAIN_FLAG.base | CHAIN_FLAG.offload);
    }
    if (commentOf(comment) !== undefined) out.bytes(CHAIN.userdata, commentUserdata(comment ?? ''));
  }

  #rule(chain: Chain, rule: Rule, purpose: () => string): WireMessage[] {
    checkRule(rule, this.#table);
    const encoded = encodeRule(rule, this.#table, () => ++this.#setId);
    const { length } = encoded.expressions;
    if (length > LIST_BYTES)
      throw nftError(
        'NFT_BAD_RULESET',
        `a rule of chain ${chain.name} has ${rule.statements.length} statements, ${length} bytes for the kernel, which takes ${LIST_BYTES}: split it`,
      );
    const sets = encoded.sets.flatMap((set) => this.#anonymousSet(set, purpose));
    const message = { message: MESSAGE.newRule, flags: FLAG.create | FLAG.append, purpose };
    return [
      ...sets,
      this.#message(message, (out) => {
        this.#named(out, RULE.table).text(RULE.chain, checkName(chain.name));
        out.nest(RULE.expressions, () => out.raw(encoded.expressions));
        if (commentOf(rule.comment) !== undefined) out.bytes(RULE.userdata, commentUserdata(rule.comment ?? ''));
      }),
    ];
  }

  #anonymousSet({ id, shape, keyLength, elements }: AnonymousSet, purpose: () => string): WireMessage[] {
    const flags = FLAG.create;
    return [
      this.#message({ message: MESSAGE.newSet, flags, purpose }, (out) =>
        writeSet(this.#named(out, SET.table), shape, id, keyLength),
      ),
      ...listsOf(elements).map((list) =>
        this.#message({ message: MESSAGE.newElements, flags, purpose }, (out) => {
          this.#named(out, ELEMENTS.table).text(ELEMENTS.set, shape.name).u32(ELEMENTS.setId, id);
          out.nest(ELEMENTS.elements, () => {
            for (const element of list) out.raw(element);
          });
        }),
      ),
    ];
  }
}

/** The elements in lists that fit an attribute each. */
function listsOf(elements: readonly Buffer[]): Buffer[][] {
  const lists: Buffer[][] = [[]];
  let bytes = 0;
  for (const element of elements) {
    bytes += element.length;
    if (bytes > LIST_BYTES) {
      lists.push([]);
      bytes = element.length;
    }
    lists.at(-1)?.push(element);
  }
  return lists;
}

/** One interface has an attribute of its own, several are a list. */
function writeDevices(out: AttributeWriter, devices: readonly string[]): void {
  const [first] = devices;
  if (devices.length === 1 && first !== undefined) out.text(HOOK.device, checkIfname(first));
  else if (devices.length > 1)
    out.nest(HOOK.devices, () => {
      for (const device of devices) out.text(DEVICE_NAME, checkIfname(device));
    });
}
