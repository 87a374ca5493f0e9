import type { StateRecord } from './record.ts';

/** A change to be kept; `text` is the object as JSON, undefined when the key is removed. */
export interface Change {
  readonly kind: string;
  readonly key: string;
  readonly revision: number;
  readonly text: string | undefined;
}

/** How much one append takes: longer queues are written in several. */
export interface BatchLimit {
  readonly records: number;
  /** Of the texts; one change may be longer. */
  readonly bytes: number;
}

/** What was found at the start. */
export interface Recovered {
  readonly records: readonly StateRecord[];
  /** Bytes of a torn last write that were cut off. */
  readonly tornBytes: number;
}

/** Names an object of somebody else's write. */
export type RecordKey = Pick<StateRecord, 'kind' | 'key'>;

export interface OutsideChanges {
  /** What others changed; undefined: anything may have been. Read it between two appends. */
  changed(keys: readonly RecordKey[] | undefined): void;
  /** Nothing more can be written: the reason. */
  lost(error: Error): void;
}

/**
 * Where a store keeps what is written, so that it is there after a restart: a directory (`StateLog`) or etcd (`EtcdState`).
 * One call of append or read at a time.
 */
export interface StateBackend {
  readonly limit: BatchLimit;
  /** Why new writes should not be taken now; undefined: nothing is wrong. */
  readonly trouble: string | undefined;
  /**
   * Resolves when the changes are on stable storage; rejects when they are not, all or none: with APISERVER_STATE_REFUSED
   * when it is certain that nothing of them is kept and later ones may be taken, otherwise with what ends all writing.
   */
  append(changes: readonly Change[], snapshot: () => Iterable<StateRecord>): Promise<void>;
  /** Absent where nobody else can write. */
  follow?(outside: OutsideChanges): void;
  /** The objects of these keys, or all, as they are now; those that are not there are left out. */
  read?(keys: readonly RecordKey[] | undefined): Promise<readonly StateRecord[]>;
  close(): Promise<void>;
}
