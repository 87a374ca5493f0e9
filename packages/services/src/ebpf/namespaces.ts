import fs from 'node:fs';
import { hasCode } from '@podwire/base';
import { netnsCookie, openNetns } from '@podwire/kernel';
import type { ProxyContext } from '../proxy.ts';
import { cookieKey, WHOSE } from './layout.ts';
import type { SocketMaps } from './socket-maps.ts';

/**
 * The network namespaces whose sockets are the node's: its own and its pods'. Sockets in others are left alone, whatever
 * cgroup they are in. A pod that is not in the list yet is served by the rules for packets.
 */
export class NodeNamespaces {
  readonly #context: Pick<ProxyContext, 'netns' | 'sockets'>;
  readonly #map: SocketMaps['maps']['namespaces'];
  /** By path and inode, for opening a namespace costs more than looking at its file. */
  #cookies = new Map<string, bigint>();
  /** Whose a namespace is, by its cookie. */
  #written: ReadonlyMap<bigint, number> | undefined;

  constructor(context: Pick<ProxyContext, 'netns' | 'sockets'>, { maps }: SocketMaps) {
    this.#context = context;
    this.#map = maps.namespaces;
  }

  get size(): number {
    return this.#written?.size ?? 0;
  }

  /** Writes what differs; returns how many namespaces came and went. */
  refresh(look = false): number {
    const pods = [...this.#podCookies()].map((cookie) => [cookie, WHOSE.pod] as const);
    const wanted = new Map<bigint, number>([...pods, [netnsCookie(this.#context.netns), WHOSE.node]]);
    if (look || !this.#written)
      this.#written = new Map([...this.#map].map(([key, value]) => [key.readBigUInt64LE(), value.readUInt32LE()]));
    const written = this.#written;
    const come = [...wanted].filter(([cookie, whose]) => written.get(cookie) !== whose);
    const gone = [...written.keys()].filter((cookie) => !wanted.has(cookie));
    if (come.length)
      this.#map.updateBatch(come.map(([cookie, whose]) => [cookieKey(cookie), Buffer.from([whose, 0, 0, 0])]));
    if (gone.length) this.#map.deleteBatch(gone.map(cookieKey));
    this.#written = wanted;
    return come.length + gone.length;
  }

  #podCookies(): Iterable<bigint> {
    const cookies = new Map<string, bigint>();
    for (const path of this.#context.sockets?.podNamespaces?.() ?? []) {
      const name = inodeName(path);
      const cookie = name === undefined ? undefined : (this.#cookies.get(name) ?? cookieOf(path));
      if (name !== undefined && cookie !== undefined) cookies.set(name, cookie);
    }
    this.#cookies = cookies;
    return cookies.values();
  }
}

function inodeName(path: string): string | undefined {
  const inode = fs.statSync(path, { throwIfNoEntry: false })?.ino;
  return inode === undefined ? undefined : `${path} ${inode}`;
}

/** Undefined when the pod has gone meanwhile. */
function cookieOf(path: string): bigint | undefined {
  try {
    using netns = openNetns(path);
    return netnsCookie(netns);
  } catch (error) {
    if (hasCode(error, 'KERNEL_BAD_NETNS')) return undefined;
    throw error;
  }
}
