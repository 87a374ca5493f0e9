import * as a from '@podwire/kernel/bpf';
import { KEY } from './layout.ts';

const { r0, r1, r2, r3, r4, r10 } = a;

/*
 * The stack of the programs that translate, from r10 downwards. Registers: r6 context, r7 count or what was found,
 * r8 service, r9 whose socket it is, then nanoseconds a client stays, then what is kept of the socket.
 *
 *   -136   -128         -104         -96             -88       -80           -64               -32           -12    -8
 *   ├ zero ┼ open key ──┼ first load ┼ first endpoint ┼ client ┼ id, time ───┼ key of reverse ─┼ service key ┼ slot ┼ cookie ┤
 */
const STACK = { client: -88, choice: -80, time: -72, reverse: -64, reverseEndpoint: -56, reversePort: -40 } as const;
const LEAST = { first: -96, firstLoad: -104, open: -128, zero: -136 } as const;
export const AT = {
  ...STACK,
  ...LEAST,
  key: -32,
  port: -16,
  protocol: -14,
  slot: -32 + KEY.slot,
  cookie: -32 + KEY.cookie,
} as const;

/** r0 = the value in a map under the key at a place of the stack, or 0. */
export function lookup(map: string, at: number): a.Instruction[] {
  return [a.loadMap(r1, map), a.mov(r2, r10), a.add(r2, at), a.call('map_lookup_elem')];
}

/** BPF_ANY writes in any case, BPF_NOEXIST only where there is nothing. */
const BPF_ANY = 0;
export const BPF_NOEXIST = 1;

export function update(map: string, key: number, value: number, flags: number = BPF_ANY): a.Instruction[] {
  return [
    a.loadMap(r1, map),
    ...[a.mov(r2, r10), a.add(r2, key), a.mov(r3, r10), a.add(r3, value), a.mov(r4, flags)],
    a.call('map_update_elem'),
  ];
}

/** r0 = the endpoint in the slot that r0 names, or 0. */
export function endpointInSlot(): a.Instruction[] {
  return [a.store(r10, AT.slot, r0, 'u32'), ...lookup('endpoints', AT.key)];
}
