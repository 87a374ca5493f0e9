import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PodwireError } from '@podwire/base';
import type { Change, OutsideChanges, RecordKey, Recovered, StateBackend } from './backend.ts';
import { type EtcdAccess, EtcdClient, EtcdRefusal, EtcdSilence } from './etcd-client.ts';
import { EtcdKeys } from './etcd-keys.ts';
import { type EtcdEntry, type RangeAnswer, readEntries, toBase64, toText } from './etcd-range.ts';
import { EtcdWatch } from './etcd-watch.ts';
import type { StateRecord } from './record.ts';

export interface EtcdOptions extends EtcdAccess {
  /** Of all keys. Default /registry. */
  readonly prefix?: string;
  /** How long etcd may be silent until writes are refused, and at the start, in ms. Default 10,000. */
  readonly patience?: number;
}

interface TxnAnswer {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: RangeAnswer }[];
}

/** etcd takes 128 operations and 1.5 MiB in one transaction unless it is told otherwise. */
const LIMIT = { records: 120, bytes: 1024 * 1024 };
const PATIENCE = 10_000;
const RETRY = 100;

/**
 * A store's state in etcd. Each batch is one transaction that also counts the revision up, and that etcd takes only from
 * the owner: the API server that started last. So a lost answer can be asked for again, and a server that another one has
 * followed cannot write any more.
 *
 *     if owner is me, and revision is 41          (a transaction that was made already fails here, and shows 44)
 *     then put pods/default/a, delete pods/default/b, put revision 44
 */
export class EtcdState implements StateBackend {
  readonly limit = LIMIT;
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #watch: EtcdWatch;
  readonly #patience: number;
  /** Revision of etcd at which this server became the owner. */
  #owned = '';
  #written = 0;
  #trouble: string | undefined;
  #closed = false;

  private constructor(client: EtcdClient, keys: EtcdKeys, patience: number) {
    this.#client = client;
    this.#patience = patience;
    this.#keys = keys;
    this.#watch = new EtcdWatch(client, keys);
  }

  /** Becomes the owner and reads everything. Throws APISERVER_ETCD when etcd stays silent. */
  static async open(options: EtcdOptions): Promise<{ state: EtcdState; recovered: Recovered }> {
    const { prefix = '/registry', patience = PATIENCE } = options;
    const state = new EtcdState(new EtcdClient(options), new EtcdKeys(prefix), patience);
    const end = Date.now() + patience;
    for (;;) {
      try {
        return { state, recovered: await state.#take() };
      } catch (error) {
        if (error instanceof EtcdSilence && Date.now() < end) {
          await sleep(RETRY);
          continue;
        }
        await state.close();
        if (error instanceof PodwireError) throw error;
        const message = `etcd at ${options.servers.join(', ')} cannot be used: ${messageOf(error)}; see that it runs and can be reached`;
        throw new PodwireError('APISERVER_ETCD', message, { cause: error });
      }
    }
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  async append(changes: readonly Change[]): Promise<void> {
    const revision = changes.at(-1)?.revision ?? this.#written;
    const keys = this.#keys;
    // A transaction takes a key once; nobody sees what is in between.
    const newest = new Map(changes.map((change) => [keys.keyOf(change), change.text]));
    const operations = [...newest].map(([key, text]) => (text === undefined ? removal(key) : write(key, text)));
    const isOwner = { key: toBase64(keys.owner), target: 'MOD', result: 'EQUAL', mod_revision: this.#owned };
    const isNext = { key: toBase64(keys.revision), target: 'VALUE', value: toBase64(String(this.#written)) };
    const made = this.#watch.during(async () => {
      const answer = await this.#persist<TxnAnswer>('/v3/kv/txn', {
        compare: [isOwner, { ...isNext, result: 'EQUAL' }],
        success: [...operations, write(keys.revision, String(revision))],
        failure: [keys.owner, keys.revision].map((key) => ({ request_range: { key: toBase64(key) } })),
      });
      return Number(answer.succeeded ? answer.header.revision : this.#revisionMade(answer, revision));
    });
    await made.catch((error) => {
      if (error instanceof EtcdRefusal) throw refused(error);
      throw error;
    });
    this.#written = revision;
  }

  follow(outside: OutsideChanges): void {
    this.#watch.start(Number(this.#owned), outside);
  }

  async read(keys: readonly RecordKey[] | undefined): Promise<readonly StateRecord[]> {
    const range = (from: object) => this.#persist<RangeAnswer>('/v3/kv/range', from);
    if (!keys) return recordsOf(await readEntries(range, this.#keys), this.#keys);
    const found: EtcdEntry[] = [];
    for (const key of keys) {
      const { kvs = [] } = await range({ key: toBase64(this.#keys.keyOf(key)) });
      found.push(...kvs);
    }
    return recordsOf(found, this.#keys);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.close();
    await this.#watch.ended;
  }

  async #take(): Promise<Recovered> {
    const { owner, revision } = this.#keys;
    const range = (from: object) => this.#client.call<RangeAnswer>('/v3/kv/range', from);
    const [before] = (await range({ key: toBase64(revision) })).kvs ?? [];
    // One more than ever written: who watched the server before lists again, for it may have missed what others wrote.
    const next = before ? Number(toText(before.value)) + 1 : Date.now();
    const same = { key: toBase64(revision), target: 'MOD', result: 'EQUAL', mod_revision: before?.mod_revision ?? '0' };
    const answer = await this.#client.call<TxnAnswer>('/v3/kv/txn', {
      compare: [same],
      success: [write(owner, randomUUID()), write(revision, String(next))],
    });
    if (!answer.succeeded) throw new EtcdSilence('another API server is writing');
    this.#owned = answer.header.revision;
    this.#written = next;
    const records = recordsOf(await readEntries(range, this.#keys), this.#keys).map((r) => withRevision(r, next));
    return { records: [...records, { kind: 'revision', key: '', revision: next }], tornBytes: 0 };
  }

  /** Asks until there is an answer: only that tells what is in etcd. */
  async #persist<T>(path: string, body: object): Promise<T> {
    const end = Date.now() + this.#patience;
    for (;;) {
      try {
        const answer = await this.#client.call<T>(path, body);
        this.#trouble = undefined;
        return answer;
      } catch (error) {
        if (!(error instanceof EtcdSilence) || this.#closed) throw error;
        if (Date.now() > end) this.#trouble = `etcd does not answer (${error.message}); writes wait until it does`;
        await sleep(RETRY);
      }
    }
  }

  /**
   * A transaction that was not taken had been made before its answer got lost, at the revision of etcd that is returned: others
   * may have written since. Or this server may not write any more.
   */
  #revisionMade({ responses = [] }: TxnAnswer, revision: number): string {
    const [owner, written] = responses.map(({ response_range }) => response_range?.kvs?.[0]);
    const isOwner = owner?.mod_revision === this.#owned;
    if (isOwner && written && toText(written.value) === String(revision)) return written.mod_revision;
    throw new Error(isOwner ? 'others change its revision in etcd' : 'another API server uses this etcd now');
  }
}

const write = (key: string, text: string) => ({ request_put: { key: toBase64(key), value: toBase64(text) } });
const removal = (key: string) => ({ request_delete_range: { key: toBase64(key) } });

function refused(cause: EtcdRefusal): PodwireError {
  return new PodwireError('APISERVER_STATE_REFUSED', `etcd does not take it: ${cause.message}`, { cause });
}

/** An object that others wrote need not say its revision. */
function withRevision(record: StateRecord, revision: number): StateRecord {
  if (record.revision > 0 && record.revision <= revision) return record;
  const object = record.object as { readonly metadata: object };
  const metadata = { ...object.metadata, resourceVersion: String(revision) };
  return { ...record, revision, object: { ...object, metadata } };
}

/** What is no object of that name is left out, with a warning. */
function recordsOf(entries: readonly EtcdEntry[], keys: EtcdKeys): StateRecord[] {
  return entries.flatMap((entry) => {
    const name = toText(entry.key);
    const key = keys.recordKey(name);
    if (!key) return [];
    try {
      const object = JSON.parse(toText(entry.value)) as { metadata: Record<string, string | undefined> };
      const { namespace, name: own, resourceVersion } = object.metadata;
      if (key.key !== (namespace ? `${namespace}/${own}` : own)) throw new Error('it names another object');
      return [{ ...key, revision: Number(resourceVersion) || 0, object }];
    } catch (error) {
      process.emitWarning(`${name} in etcd is left out: ${messageOf(error)}`);
      return [];
    }
  });
}
