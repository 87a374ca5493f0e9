import { isErrno, type KernelError, type NetlinkMessage } from '@podwire/kernel';
import { encodeFor, type RouteSocket, requestUnlessGone } from './rtnetlink.ts';

/** What became of one object of a batch: `{ route, action, error }`. Removing what is not there is a success. */
export type ItemResult<K extends string, T> = { readonly [P in K]: T } & {
  readonly action: 'add' | 'remove';
  readonly error: KernelError | undefined;
};

type Message = Omit<NetlinkMessage, 'op'>;

/** How objects of one kind are written and removed. */
export interface Noun<K extends string, T> {
  readonly key: K;
  /** The object for error messages, as ip(8) would say it. */
  readonly text: (item: T) => string;
  readonly addition: (item: T) => Message;
  readonly removal: (item: T) => Message;
  /** What the kernel says when there is nothing to remove. */
  readonly gone: readonly string[];
}

/** The request that adds the object. Throws NET_NO_LINK, NET_BAD_VALUE. */
export function additionOf<K extends string, T>({ text, addition }: Noun<K, T>, item: T): NetlinkMessage {
  const object = text(item);
  return { ...encodeFor(object, () => addition(item)), op: `add ${object}` };
}

function removalOf<K extends string, T>({ text, removal }: Noun<K, T>, item: T): NetlinkMessage {
  const object = text(item);
  return { ...encodeFor(object, () => removal(item)), op: `delete ${object}` };
}

/** Removes the object; false if it is not there. */
export function removeItem<K extends string, T>(socket: RouteSocket, noun: Noun<K, T>, item: T): boolean {
  return requestUnlessGone(socket, removalOf(noun, item), ...noun.gone);
}

/** Writes additions, then removals, many to a system call; one result each, in that order. */
export function applyBatch<K extends string, T>(
  socket: RouteSocket,
  { add, remove }: { readonly add: readonly T[]; readonly remove: readonly T[] },
  noun: Noun<K, T>,
): ItemResult<K, T>[] {
  const additions = add.map((item) => additionOf(noun, item));
  const errors = socket.netlink.batch([...additions, ...remove.map((item) => removalOf(noun, item))]);
  const result = (item: T, action: 'add' | 'remove', error: KernelError | undefined) =>
    ({ [noun.key]: item, action, error }) as ItemResult<K, T>;
  const removed = (error: KernelError | undefined) => (isErrno(error, ...noun.gone) ? undefined : error);
  return [
    ...add.map((item, i) => result(item, 'add', errors[i])),
    ...remove.map((item, i) => result(item, 'remove', removed(errors[add.length + i]))),
  ];
}
