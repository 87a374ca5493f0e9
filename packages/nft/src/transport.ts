import {
  KernelError,
  type Netlink,
  type NetlinkAnswer,
  type NetlinkMessage,
  type Netns,
  openNetlink,
} from '@podwire/kernel';
import type { WireMessage } from './encode-table.ts';
import { type NamespaceWrites, namespaceWrites } from './namespace-writes.ts';
import { MESSAGE, messageType, NFNL_SUBSYS_NFTABLES } from './wire.ts';

const BATCH_BEGIN = 0x10; // NFNL_MSG_BATCH_BEGIN
const BATCH_END = 0x11; // NFNL_MSG_BATCH_END
const GENERATION = 1; // NFNL_BATCH_GENID
/** struct nlmsghdr stands before the body of a message. */
const HEADER = 16;

/** struct nfgenmsg in front of the attributes: family, version 0, resource id big-endian. */
function body(family: number, resource: number, attributes?: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(4 + (attributes?.length ?? 0));
  bytes[0] = family;
  bytes[1] = 0;
  bytes.writeUInt16BE(resource, 2);
  if (attributes) bytes.set(attributes, 4);
  return bytes;
}

const BEGIN: NetlinkMessage = {
  type: BATCH_BEGIN,
  flags: 0,
  body: body(0, NFNL_SUBSYS_NFTABLES),
  op: 'begin an nftables transaction',
};
const END: NetlinkMessage = {
  type: BATCH_END,
  flags: 0,
  body: body(0, NFNL_SUBSYS_NFTABLES),
  op: 'commit an nftables transaction',
};

const GET_GENERATION: NetlinkMessage = {
  type: messageType(MESSAGE.getGeneration),
  flags: 0,
  body: body(0, 0),
  op: 'read the nftables generation',
};

/** nf_tables' part of netlink: transactions and dumps. */
export class NftTransport {
  readonly #netlink: Netlink;
  readonly #writes: NamespaceWrites;

  constructor(netns?: Netns) {
    this.#writes = namespaceWrites(netns);
    this.#netlink = openNetlink('netfilter', netns);
  }

  /** Of the network namespace. */
  get inode(): bigint {
    return this.#writes.inode;
  }

  close(): void {
    this.#netlink.close();
  }

  /** All or nothing. With `generation`, the kernel refuses (ERESTART) when anything changed since that was read. */
  commit(messages: readonly WireMessage[], generation?: Buffer): void {
    const check = generation && Buffer.concat([Buffer.from([8, 0, GENERATION, 0]), generation]);
    const begin = check ? { ...BEGIN, body: body(0, NFNL_SUBSYS_NFTABLES, check) } : BEGIN;
    try {
      this.#netlink.transaction([begin, ...messages, END]);
      this.#writes.count++;
    } catch (error) {
      throw error instanceof KernelError ? naming(error, messages) : error;
    }
  }

  /** Answers' attributes, nfgenmsg taken off. */
  dump(message: number, family: number, attributes?: Buffer): Buffer[] {
    return this.#netlink
      .dump({ type: messageType(message), flags: 0, body: body(family, 0, attributes), op: 'list nftables' })
      .map(attributesOf);
  }

  /** The number of the present ruleset; every transaction of anyone changes it. */
  generation(): Buffer | undefined {
    const [answer] = this.#netlink.request(GET_GENERATION);
    return answer && attributesOf(answer).subarray(4, 8); // NFTA_GEN_ID comes first
  }

  /**
   * A number that changes when another than this thread writes to the namespace; also, once, after a transaction of its own
   * whose answer got lost, and after one that changed nothing.
   */
  foreignWrites(): number | undefined {
    const generation = this.generation()?.readUInt32BE(0);
    return generation === undefined ? undefined : (generation - this.#writes.count) >>> 0;
  }

  /** Whether a child writes for this thread, so that it is not known yet whose transactions there are. */
  get childWrites(): boolean {
    return this.#writes.children > 0;
  }

  /** What is written while `run` is under way counts as written by this thread. */
  async countAsOwn<T>(run: () => Promise<T>): Promise<T> {
    const before = this.foreignWrites() ?? 0;
    this.#writes.children++;
    try {
      return await run();
    } finally {
      this.#writes.children--;
      this.#writes.count += ((this.foreignWrites() ?? 0) - before) | 0;
    }
  }
}

/** The error with the command that the kernel refused, in nft syntax; message 0 begins the batch. */
function naming(error: KernelError, messages: readonly WireMessage[]): KernelError {
  const { errno, extack, offset, index = 0 } = error;
  const guilty = messages[index - 1];
  const op = guilty?.purpose(offset === undefined ? undefined : offset - HEADER) ?? error.op;
  return new KernelError({ op, errno, extack, offset, index });
}

const attributesOf = (answer: NetlinkAnswer): Buffer => answer.body.subarray(4);
