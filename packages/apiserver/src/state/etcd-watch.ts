import { setTimeout as sleep } from 'node:timers/promises';
import type { OutsideChanges, RecordKey } from './backend.ts';
import { type EtcdClient, EtcdSilence } from './etcd-client.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import { toBase64, toText } from './etcd-range.ts';

interface WatchPart {
  readonly result?: {
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly events?: readonly { readonly kv: { readonly key: string; readonly mod_revision: string } }[];
  };
}

const RETRY = 100;

/**
 * Tells what others write into etcd. It goes on where it was after a lost connection; when etcd has forgotten that, because
 * it was compacted, anything may have changed.
 */
export class EtcdWatch {
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  /** Revisions of our own transactions whose events have not come yet. */
  readonly #ours = new Set<number>();
  #writing: Promise<unknown> = Promise.resolve();
  #next = 0;
  #ended = false;
  /** Settles when nothing is told any more. */
  ended: Promise<void> = Promise.resolve();

  constructor(client: EtcdClient, keys: EtcdKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** `owned`: the revision of etcd that made us its owner. */
  start(owned: number, outside: OutsideChanges): void {
    this.#next = owned + 1;
    this.ended = this.#run(owned, outside);
  }

  /** Runs a transaction of ours, which resolves with its revision; events that come meanwhile wait for that. */
  during(transaction: () => Promise<number>): Promise<void> {
    const done = transaction().then((revision) => {
      if (revision >= this.#next) this.#ours.add(revision);
    });
    this.#writing = done.catch(() => {});
    return done;
  }

  async #run(owned: number, outside: OutsideChanges): Promise<void> {
    while (!this.#ended) {
      try {
        const create_request = {
          key: toBase64(this.#keys.prefix),
          range_end: toBase64(this.#keys.end),
          start_revision: String(this.#next),
        };
        for await (const part of this.#client.stream<WatchPart>('/v3/watch', { create_request }))
          await this.#take(part, owned, outside);
      } catch (error) {
        // Closing the client ends the stream, too; anything else is asked again.
        if (!(error instanceof EtcdSilence)) process.emitWarning(`the watch of etcd failed: ${error}`);
      }
      if (this.#client.isClosed) this.#ended = true;
      else await sleep(RETRY);
    }
  }

  async #take({ result }: WatchPart, owned: number, outside: OutsideChanges): Promise<void> {
    await this.#writing;
    if (result?.canceled) {
      this.#next = Math.max(this.#next, Number(result.compact_revision ?? 0) + 1);
      outside.changed(undefined);
    }
    const changed: RecordKey[] = [];
    for (const { kv } of result?.events ?? []) {
      const revision = Number(kv.mod_revision);
      this.#next = Math.max(this.#next, revision + 1);
      const name = toText(kv.key);
      if (name === this.#keys.owner && revision !== owned)
        outside.lost(new Error('another API server uses this etcd now; stop this one'));
      const key = this.#keys.recordKey(name);
      if (key && !this.#ours.has(revision)) changed.push(key);
    }
    for (const revision of this.#ours) if (revision < this.#next) this.#ours.delete(revision);
    if (changed.length > 0) outside.changed(changed);
  }
}
