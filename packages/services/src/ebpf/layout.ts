import { type IpAddress, ipBytes } from '@podwire/base';
import type { MapSpec } from '@podwire/kernel/bpf';
import type { Protocol } from '../model.ts';

/*
 * Addresses have 16 bytes, IPv4 ones as ::ffff:a.b.c.d; ports and addresses are in network order, numbers in host order.
 * The keys lie in each other, so that a program makes all of them in one place of its stack:
 *
 *   0                16     18         19    20       24                    32
 *   ├─ address ──────┼ port ┼ protocol ┼ 0 ──┼─ slot ─┼─ cookie ────────────┤
 *   └───────── services, tables ─────────────┘        │                     │
 *   └───────── endpoints ─────────────────────────────┘                     │
 *   └───────── affinity (slot: whose cookie it is) ─────────────────────────┘
 *                                                     └── namespaces ───────┘
 *
 *   services     count (4) affinity seconds (4) balance (2) whose (2) connections so far (4, for round-robin)
 *   endpoints    address (16) port (2) id (2) weight (2) 0 (2): by slot, and of services where a client may stay also by BY_ID + id
 *   tables       a slot (2) for each of MAGLEV_SIZE hashes of clients
 *   affinity     id (8) nanoseconds since the machine was started (8)
 *
 * For least connections:
 *
 *   open         endpoint address (16) port (2) protocol (1) 0 (1) -> sockets that are open (8)
 *   held         at a socket: key of open (20) whether it is counted there (4)
 *
 * What a socket shows instead of the endpoint:
 *
 *   connected    by the last bits of the socket's cookie, so that a new socket takes the place of one much older:
 *                socket cookie (8) service address (16) port (2) protocol (1) 0 (5) endpoint address (16) port (2) 0 (6)
 *   reverse      socket cookie (8) endpoint address (16) port (2) 0 (6) -> service address (16) port (2) protocol (1) 0
 */
export const KEY = { service: 20, slot: 20, endpoint: 24, cookie: 24, client: 32, reverse: 32, open: 20 } as const;
export const SERVICE = { count: 0, affinity: 4, balance: 8, whose: 10, next: 12, size: 16 } as const;
export const ENDPOINT = { address: 0, port: 16, id: 18, weight: 20, size: 24 } as const;

/** Behind a key of `open`. */
export const HELD = { counted: 20, size: 24 } as const;

export const CONNECTED = { cookie: 0, service: 8, endpoint: 32, endpointPort: 48, size: 56, count: 1 << 16 } as const;

/** In the slot of an endpoint's key: the rest is the endpoint's id. */
export const BY_ID = 0x80000000;
/** In the slot of an affinity's key: the cookie is that of a network namespace, or that of a UDP socket. */
export const CLIENT = { namespace: 0xffffffff, socket: 0xfffffffe } as const;
/** Prime; large against the number of endpoints, and an element fits a page of memory. */
export const MAGLEV_SIZE = 2003;

/** In `namespaces`, and of a service whose address is a loopback one: for sockets of the node only. */
export const WHOSE = { any: 0, pod: 1, node: 2 } as const;

export const BALANCE = { random: 0, maglev: 1, 'round-robin': 2, 'least-connections': 3 } as const;
export type SocketBalance = keyof typeof BALANCE;

const onDemand = { type: 'hash', flags: ['no_prealloc'] } as const;

/** Every map of the mode by its name, which is also that of its pin. */
export const MAPS = {
  services: { ...onDemand, name: 'pw_services', key: KEY.service, value: SERVICE.size, maxEntries: 1 << 17 },
  endpoints: { ...onDemand, name: 'pw_endpoints', key: KEY.endpoint, value: ENDPOINT.size, maxEntries: 1 << 20 },
  tables: { ...onDemand, name: 'pw_tables', key: KEY.service, value: MAGLEV_SIZE * 2 + 2, maxEntries: 1 << 14 },
  namespaces: { ...onDemand, name: 'pw_namespaces', key: 8, value: 4, maxEntries: 1 << 14 },
  open: { ...onDemand, name: 'pw_open', key: KEY.open, value: 8, maxEntries: 1 << 16 },
  held: { type: 'sk_storage', name: 'pw_held', key: 4, value: HELD.size, maxEntries: 0 },
  affinity: { type: 'lru_hash', name: 'pw_affinity', key: KEY.client, value: 16, maxEntries: 1 << 16 },
  connected: { type: 'array', name: 'pw_connected', key: 4, value: CONNECTED.size, maxEntries: CONNECTED.count },
  reverse: { type: 'lru_hash', name: 'pw_reverse', key: KEY.reverse, value: KEY.service, maxEntries: 1 << 16 },
} as const satisfies Record<string, MapSpec>;

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const satisfies Record<Protocol, number>;

/** Where something is written: into zeros. */
export type Spot = readonly [bytes: Buffer, at: number];

interface AddressPort {
  readonly address: IpAddress;
  readonly port: number;
}

function writeAddress({ address, port }: AddressPort, [out, at]: Spot): void {
  const bytes = ipBytes(address);
  if (bytes.length === 4) out.writeUInt16BE(0xffff, at + 10);
  out.set(bytes, at + 16 - bytes.length);
  out.writeUInt16BE(port, at + 16);
}

/** The key of a service address in `services` and `tables`. */
export function writeServiceKey(service: AddressPort & { readonly protocol: Protocol }, spot: Spot): void {
  writeAddress(service, spot);
  const [out, at] = spot;
  out[at + 18] = PROTOCOLS[service.protocol];
}

export function writeEndpoint(endpoint: AddressPort & { readonly weight?: number }, id: number, spot: Spot): void {
  writeAddress(endpoint, spot);
  const [out, at] = spot;
  out.writeUInt16LE(endpoint.weight ?? 1, at + ENDPOINT.weight);
  out.writeUInt16LE(id, at + ENDPOINT.id);
}

export interface Choosing {
  /** 0: refused. */
  readonly count: number;
  readonly affinitySeconds: number;
  readonly balance: SocketBalance;
  readonly nodeOnly: boolean;
}

export function writeService({ count, affinitySeconds, balance, nodeOnly }: Choosing, [out, at]: Spot): void {
  out.writeUInt32LE(count, at + SERVICE.count);
  out.writeUInt32LE(affinitySeconds, at + SERVICE.affinity);
  out.writeUInt16LE(BALANCE[balance], at + SERVICE.balance);
  out.writeUInt16LE(nodeOnly ? WHOSE.node : WHOSE.any, at + SERVICE.whose);
}

/** The key of an endpoint in `open`: laid out like that of a service. */
export function openKey(endpoint: AddressPort & { readonly protocol: Protocol }): Buffer {
  const key = Buffer.alloc(KEY.open);
  writeServiceKey(endpoint, [key, 0]);
  return key;
}

export function cookieKey(cookie: bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(cookie);
  return key;
}
