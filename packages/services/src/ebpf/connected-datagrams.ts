import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatIp, hasCode, messageOf } from '@podwire/base';
import { isErrno, type Netns, openNetlink, openNetns } from '@podwire/kernel';
import { destroySocket, listSockets, type SocketInfo } from '@podwire/kernel/sockdiag';
import { endpointName } from '../model.ts';
import type { ProxyContext } from '../proxy.ts';
import { CONNECTED, KEY } from './layout.ts';
import type { EntryChange, SocketPlan } from './plan.ts';
import type { SocketEntry } from './socket-entry.ts';
import type { SocketMaps } from './socket-maps.ts';

/** Milliseconds from a change until sockets are looked at, and from one look to the next: changes come in bursts. */
const SOON = 20;
const PAUSE = 250;

/**
 * Connected UDP sockets of services: the endpoint was put in when they connected, so when it goes they would send into the
 * void for ever. They are closed from outside (SOCK_DESTROY): the program is told ECONNABORTED, and may connect again.
 * Sockets that were connected to an endpoint without a service are left alone; those that are so old that nothing is kept
 * of them any more, too.
 */
export class ConnectedDatagrams {
  readonly #context: Pick<ProxyContext, 'netns' | 'sockets' | 'logger'>;
  readonly #connected: SocketMaps['maps']['connected'];
  readonly #plan: SocketPlan;
  #timer: NodeJS.Timeout | undefined;
  #lastLook = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** Sockets that were closed so far. */
  ended = 0;
  /** Why this kernel cannot do it. */
  problem: string | undefined;

  constructor(context: Pick<ProxyContext, 'netns' | 'sockets' | 'logger'>, { maps }: SocketMaps, plan: SocketPlan) {
    this.#context = context;
    this.#connected = maps.connected;
    this.#plan = plan;
  }

  /** To be called when changes are in force; without any, it is not known what has changed. */
  follow(changes?: readonly EntryChange[]): void {
    if (this.#timer || this.#closed || this.problem !== undefined) return;
    if (changes && !changes.some(losesDatagrams)) return;
    const wait = Math.max(SOON, this.#lastLook + PAUSE - performance.now());
    this.#timer = setTimeout(() => void this.#look(), wait).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    try {
      this.#lookInto(this.#context.netns);
      for (const path of this.#context.sockets?.podNamespaces?.() ?? []) {
        await nextTurn();
        if (this.#closed) return;
        this.#lookIntoPod(path);
      }
    } catch (error) {
      if (isErrno(error, 'EOPNOTSUPP', 'ENOENT', 'EINVAL'))
        this.problem = `connected UDP sockets keep an endpoint that has gone, for this kernel cannot close them (CONFIG_INET_DIAG_DESTROY): ${messageOf(error)}`;
      else this.#context.logger.error('connected UDP sockets were not looked at', { error: messageOf(error) });
    }
    this.#lastLook = performance.now();
  }

  #lookIntoPod(path: string): void {
    try {
      using netns = openNetns(path);
      this.#lookInto(netns);
    } catch (error) {
      // it has gone meanwhile
      if (!hasCode(error, 'KERNEL_BAD_NETNS')) throw error;
    }
  }

  #lookInto(netns: Netns | undefined): void {
    const netlink = openNetlink('sock-diag', netns);
    try {
      const sockets = listSockets(netlink, { protocol: 'udp', states: ['established'] });
      for (const socket of sockets) if (this.#isStray(socket) && destroySocket(netlink, socket)) this.ended++;
    } finally {
      netlink.close();
    }
  }

  /** Whether it was connected to a service, and its endpoint is none of that service any more. */
  #isStray({ cookie }: SocketInfo): boolean {
    const index = Buffer.alloc(4);
    index.writeUInt32LE(Number(cookie & BigInt(CONNECTED.count - 1)));
    const kept = this.#connected.lookup(index);
    if (!kept || kept.readBigUInt64LE(CONNECTED.cookie) !== cookie) return false;
    const service = readAddress(kept, CONNECTED.service);
    const endpoint = endpointName(readAddress(kept, CONNECTED.endpoint));
    const entry = this.#plan.entry(`${service.address} udp ${service.port}`);
    return !entry?.endpoints.some((one) => endpointName(one) === endpoint);
  }
}

function losesDatagrams({ before, after }: EntryChange): boolean {
  if (before?.protocol !== 'udp') return false;
  const left = namesOf(after);
  return [...namesOf(before)].some((name) => !left.has(name));
}

const namesOf = (entry: SocketEntry | undefined): Set<string> => new Set(entry?.endpoints.map(endpointName));

/** IPv4 is kept as ::ffff:a.b.c.d. */
function readAddress(bytes: Buffer, at: number) {
  const mapped = bytes.readBigUInt64BE(at) === 0n && bytes.readUInt32BE(at + 8) === 0xffff;
  const end = at + KEY.service - 4;
  return { address: formatIp(bytes.subarray(mapped ? end - 4 : at, end)), port: bytes.readUInt16BE(end) };
}
