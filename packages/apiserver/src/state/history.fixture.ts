import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import type { Store, StoreEvent } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';

/** Something a client did, with when it began and ended in a count that all clients share. */
export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly did: 'read' | 'wrote' | 'removed' | 'lost';
  /** Revision of what was read (0: nothing) or written. */
  readonly revision: number;
  /** Of the object the write was made of; 0: there was none. */
  readonly base: number;
  readonly began: number;
  readonly ended: number;
}

export interface History {
  readonly start: number;
  readonly operations: readonly Operation[];
  /** One for each watcher, with the revision it began after. */
  readonly watches: readonly { readonly since: number; readonly events: readonly StoreEvent[] }[];
  readonly end: readonly ApiObject[];
}

export interface HistoryOptions {
  readonly clients: number;
  /** Of each client. */
  readonly writes: number;
  readonly seed: number;
}

const KEYS = ['a', 'b', 'c'];
const revisionOf = (object: ApiObject | undefined): number => Number(object?.metadata.resourceVersion ?? 0);

/**
 * Clients read, and write what they read if nobody has changed it meanwhile, all at once; watchers begin at the start, and
 * in between at the revision they know.
 */
export async function recordHistory(store: Store, { clients, writes, seed }: HistoryOptions): Promise<History> {
  const recorder = new Recorder(store, seeded(seed));
  const start = store.revision;
  recorder.watch();
  const client = async (id: number) => {
    for (let i = 0; i < writes; i++) await recorder.change(id, `${id}-${i}`);
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  const { operations, watches } = recorder;
  return { start, operations, watches, end: store.list('ConfigMap') };
}

class Recorder {
  readonly operations: Operation[] = [];
  readonly watches: { since: number; events: StoreEvent[] }[] = [];
  readonly #store: Store;
  readonly #random: () => number;
  #clock = 0;

  constructor(store: Store, random: () => number) {
    this.#store = store;
    this.#random = random;
  }

  watch(): void {
    const entry = { since: this.#store.revision, events: [] as StoreEvent[] };
    const stop = this.#store.watch('ConfigMap', entry.since, (event) => void entry.events.push(event));
    assert.ok(stop, 'a watch of now was refused');
    this.watches.push(entry);
  }

  /** Reads a key, and some turns later writes what it read. */
  async change(client: number, text: string): Promise<void> {
    const key = KEYS[Math.floor(this.#random() * KEYS.length)] as string;
    const began = this.#clock++;
    const seen = this.#store.get('ConfigMap', `default/${key}`);
    const revision = revisionOf(seen);
    this.operations.push({ client, key, did: 'read', revision, base: 0, began, ended: this.#clock++ });
    for (let pause = Math.floor(this.#random() * 3); pause > 0; pause--) await turn();
    await this.#write({ client, key, base: revision, began: this.#clock++ }, objectOf(key, text));
    if (this.#random() < 0.05) this.watch();
  }

  async #write(said: Pick<Operation, 'client' | 'key' | 'base' | 'began'>, object: ApiObject): Promise<void> {
    // As the verbs do: compare with the newest, and stage in the same stretch.
    if (revisionOf(this.#store.latest('ConfigMap', `default/${said.key}`)) !== said.base) {
      this.operations.push({ ...said, did: 'lost', revision: 0, ended: this.#clock++ });
      return;
    }
    const isRemoval = said.base !== 0 && this.#random() < 0.2;
    const writing = isRemoval ? this.#store.remove('ConfigMap', object) : this.#store.put('ConfigMap', object);
    const written = await writing.catch(ifRefused);
    const did = written ? (isRemoval ? 'removed' : 'wrote') : 'lost';
    this.operations.push({ ...said, did, revision: revisionOf(written), ended: this.#clock++ });
  }
}

/**
 * Fails, with the seed's history at hand, unless there is one order of all writes that everybody's view agrees with: that of
 * the revisions.
 */
export function checkHistory({ start, operations, watches, end }: History): void {
  const writes = operations
    .filter(({ did }) => did === 'wrote' || did === 'removed')
    .sort((a, b) => a.revision - b.revision);
  const reads = operations.filter(({ did }) => did === 'read');
  assert.ok(writes.length > 0 && reads.length > 0);
  assert.equal(new Set(writes.map(({ revision }) => revision)).size, writes.length, 'a revision was given twice');
  checkCompareAndSwap(writes);
  checkRealTime(writes);
  for (const read of reads) checkRead(read, writes);
  const [all] = watches;
  assert.deepEqual(
    all?.events.map(({ revision, type }) => [revision, type === 'DELETED']),
    writes.map(({ revision, did }) => [revision, did === 'removed']),
    'the watch from the start has other events, or another order, than the writes',
  );
  for (const { since, events } of watches)
    assert.deepEqual(
      events,
      all?.events.filter(({ revision }) => revision > since),
      `the watch since ${since - start} has a gap`,
    );
  const replayed = new Map<string, ApiObject>();
  for (const { type, object } of all?.events ?? []) {
    if (type === 'DELETED') replayed.delete(object.metadata.name ?? '');
    else replayed.set(object.metadata.name ?? '', object);
  }
  assert.deepEqual(new Set(end), new Set(replayed.values()));
}

/** Of those who started from one state exactly one won: each write is made of the one before it. */
function checkCompareAndSwap(writes: readonly Operation[]): void {
  for (const key of KEYS) {
    let before = 0;
    for (const { base, revision, did } of writes.filter((write) => write.key === key)) {
      assert.equal(base, before, `${key}: the write at ${revision} was made of ${base}, not of ${before}`);
      before = did === 'removed' ? 0 : revision;
    }
  }
}

/** What began after another write was acknowledged comes after it. */
function checkRealTime(writes: readonly Operation[]): void {
  let latestBegin = -1;
  for (const { began, ended, revision } of writes) {
    assert.ok(ended > latestBegin, `the write at ${revision} ended before one of an earlier revision began`);
    latestBegin = Math.max(latestBegin, began);
  }
}

/** It shows the last write acknowledged before it began, or a later one that had begun before it ended. */
function checkRead({ key, revision, began, ended }: Operation, writes: readonly Operation[]): void {
  const own = writes.filter((write) => write.key === key);
  const shown = (write: Operation) => (write.did === 'removed' ? 0 : write.revision);
  const last = own.filter((write) => write.ended < began).at(-1);
  const possible = own.filter((write) => write.began < ended && write.revision >= (last?.revision ?? 0)).map(shown);
  if (!last) possible.push(0);
  assert.ok(possible.includes(revision), `a read of ${key} shows ${revision}; possible were ${possible.join(', ')}`);
}

/** What was certainly not written, because the backend is away. */
function ifRefused(error: unknown): undefined {
  if (!hasCode(error, 'KUBE_UNAVAILABLE')) throw error;
}

function objectOf(name: string, value: string): ApiObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value } };
}

/** Numbers in [0, 1) that come again with the seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
