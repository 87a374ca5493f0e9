import { hasCode } from '@podwire/base';
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
  /** Equal for objects of which the kernel has one at a time; absent: the kernel replaces them by itself. */
  readonly identity?: (item: T) => string;
}

/** The request that adds the object. Throws NET_NO_LINK, NET_BAD_VALUE. */
export function additionOf<K extends string, T>({ text, addition }: Noun<K, T>, item: T): NetlinkMessage {
  const object = text(item);
  return { ...encodeFor(object, () => addition(item)), op: `add ${object}` };
}

/** undefined: the object was on a link that is gone, and it with it. Throws NET_BAD_VALUE. */
function removalOf<K extends string, T>({ text, removal }: Noun<K, T>, item: T): NetlinkMessage | undefined {
  const object = text(item);
  try {
    return { ...encodeFor(object, () => removal(item)), op: `delete ${object}` };
  } catch (error) {
    if (hasCode(error, 'NET_NO_LINK')) return undefined;
    throw error;
  }
}

/** Removes the object; false if it is not there. */
export function removeItem<K extends string, T>(socket: RouteSocket, noun: Noun<K, T>, item: T): boolean {
  const message = removalOf(noun, item);
  return message !== undefined && requestUnlessGone(socket, message, ...noun.gone);
}

interface Changes<T> {
  readonly add: readonly T[];
  readonly remove: readonly T[];
}

/**
 * Writes additions, then removals, many to a system call; one result each, in that order. What is to be removed and
 * added again is removed first.
 */
export function applyBatch<K extends string, T>(
  socket: RouteSocket,
  { add, remove }: Changes<T>,
  nounOf: (socket: RouteSocket) => Noun<K, T>,
): ItemResult<K, T>[] {
  const noun = nounOf(remembering(socket));
  const coming = new Set(remove.length === 0 || !noun.identity ? [] : add.map(noun.identity));
  const additions = add.map((item): Change<T> => ({ item, action: 'add', message: additionOf(noun, item) }));
  const removals = remove.map((item): Change<T> => ({ item, action: 'remove', message: removalOf(noun, item) }));
  const isFirst = ({ item }: Change<T>) => coming.size > 0 && coming.has(noun.identity?.(item) ?? '');
  const order = [...removals.filter(isFirst), ...additions, ...removals.filter((one) => !isFirst(one))];
  const sent = order.flatMap(({ message }) => message ?? []);
  const errors = new Map(socket.netlink.batch(sent).map((error, i) => [sent[i], error]));
  return [...additions, ...removals].map(({ item, action, message }) => {
    const error = message && errors.get(message);
    const gone = action === 'remove' && isErrno(error, ...noun.gone);
    return { [noun.key]: item, action, error: gone ? undefined : error } as ItemResult<K, T>;
  });
}

interface Change<T> {
  readonly item: T;
  readonly action: 'add' | 'remove';
  /** Absent: there is nothing to do. */
  readonly message: NetlinkMessage | undefined;
}

/** The socket, asking for the number of each link once: one batch names few links, many times. */
export function remembering(socket: RouteSocket): RouteSocket {
  const indexes = new Map<string, number>();
  return {
    ...socket,
    indexOf(link) {
      const index = indexes.get(link) ?? socket.indexOf(link);
      indexes.set(link, index);
      return index;
    },
  };
}
