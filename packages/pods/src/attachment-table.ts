import type { IpAddress, Prefix } from '@podwire/base';
import { PodwireError } from '@podwire/base';
import type { AddressPool, PoolFacts } from './address-pool.ts';
import { createAddressPool } from './address-pool.ts';
import type { Attachment } from './attachment.ts';
import { attachmentKey } from './attachment.ts';
import type { PodsRecord } from './record.ts';
import { writeRecord } from './record.ts';

/**
 * All attachments of the node, their addresses, and the record on disk, kept in step. Synchronous throughout, so that
 * two ADDs never see the same free address.
 */
export class AttachmentTable {
  readonly #path: string;
  readonly #byKey = new Map<string, Attachment>();
  #pool: AddressPool | undefined;
  #podCidr: Prefix | undefined;
  /** Addresses found in live namespaces that are no attachment of ours. */
  #foreign: ReadonlyMap<IpAddress, string> = new Map();
  #released: readonly IpAddress[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes over what the record and the kernel say, without writing. */
  load(record: PodsRecord): void {
    this.#byKey.clear();
    for (const attachment of record.attachments) this.#byKey.set(attachmentKey(attachment), attachment);
    this.#released = record.released;
    this.#rebuild();
  }

  get podCidr(): Prefix | undefined {
    return this.#podCidr;
  }

  /** The range of new addresses, and what of it others have. Attachments outside keep theirs until DEL. */
  setPodCidr(podCidr: Prefix | undefined, foreign: ReadonlyMap<IpAddress, string> = new Map()): void {
    this.#foreign = foreign;
    this.#released = this.#pool?.released() ?? this.#released;
    this.#podCidr = podCidr;
    this.#rebuild();
  }

  get(key: string): Attachment | undefined {
    return this.#byKey.get(key);
  }

  list(): readonly Attachment[] {
    return [...this.#byKey.values()];
  }

  facts(): PoolFacts | undefined {
    return this.#pool?.facts();
  }

  /** An address for the attachment: the requested one or any. Throws PODS_TRY_LATER or PODS_ADDRESS_TAKEN. */
  reserve(key: string, requested?: IpAddress): IpAddress {
    const pool = this.#pool;
    if (!pool)
      throw new PodwireError(
        'PODS_TRY_LATER',
        'this node has no IPv4 podCIDR yet; wait for the control plane to give it one',
      );
    if (requested !== undefined) return claim(pool, requested, key);
    const address = pool.allocate(key);
    if (address !== undefined) return address;
    const { prefix, total, used } = pool.facts();
    throw new PodwireError(
      'PODS_TRY_LATER',
      `no free address in ${prefix}: ${used} of ${total} are used; delete pods or enlarge the podCIDR`,
      {
        details: { pool: prefix, total, used },
      },
    );
  }

  put(attachment: Attachment): void {
    this.#byKey.set(attachmentKey(attachment), attachment);
    this.#write();
  }

  /** Forgets the attachment and frees its address; the record says so when this returns. */
  remove(key: string): void {
    const attachment = this.#byKey.get(key);
    if (!attachment) return;
    this.#byKey.delete(key);
    this.#pool?.release(attachment.address);
    this.#write();
  }

  #write(): void {
    writeRecord(this.#path, { attachments: this.list(), released: this.#pool?.released() ?? this.#released });
  }

  #rebuild(): void {
    this.#pool = this.#podCidr === undefined ? undefined : createAddressPool(this.#podCidr, this.#released);
    for (const [key, { address }] of this.#byKey) this.#pool?.claim(address, key);
    for (const [address, where] of this.#foreign) this.#pool?.claim(address, where);
  }
}

function claim(pool: AddressPool, address: IpAddress, key: string): IpAddress {
  const result = pool.claim(address, key);
  if (result.kind === 'granted') return address;
  const why =
    result.kind === 'held' ? `it is held by ${result.by}` : `it is not a pod address of ${pool.facts().prefix}`;
  throw new PodwireError(
    'PODS_ADDRESS_TAKEN',
    `the requested address ${address} cannot be given: ${why}; request another one`,
  );
}
