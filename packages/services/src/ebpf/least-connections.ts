import * as a from '@podwire/kernel/bpf';
import { BALANCE, ENDPOINT, HELD, SERVICE } from './layout.ts';
import { AT, BPF_NOEXIST, endpointInSlot, lookup, update } from './stack.ts';

const { r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } = a;
const context = a.CONTEXTS.bpf_sock_addr;
/** BPF_SK_STORAGE_GET_F_CREATE */
const CREATE = 1;

/**
 * r7 = of two different endpoints (each has one slot here, whatever its weight) the one with fewer open sockets for its
 * weight (the power of two choices: Mitzenmacher, IEEE TPDS 12/10, 2001).
 */
export function chooseLeast(): a.Instruction[] {
  return [
    a.label('least'),
    a.call('get_prandom_u32'),
    a.load(r7, r8, SERVICE.count, 'u32'),
    a.mod(r0, r7),
    a.store(r10, AT.firstLoad, r0, 'u64'),
    ...endpointInSlot(),
    a.jumpIf(r0, '==', 0, 'random'),
    a.store(r10, AT.first, r0, 'u64'),
    a.load(r7, r8, SERVICE.count, 'u32'),
    a.jumpIf(r7, '<', 2, 'first'),
    a.call('get_prandom_u32'),
    // 1 to count - 1 slots further
    ...[a.sub(r7, 1), a.mod(r0, r7), a.add(r0, 1)],
    ...[a.load(r1, r10, AT.firstLoad, 'u64'), a.add(r0, r1), a.add(r7, 1), a.mod(r0, r7)],
    ...endpointInSlot(),
    a.jumpIf(r0, '==', 0, 'first'),
    a.mov(r7, r0),
    a.load(r1, r10, AT.first, 'u64'),
    ...loadOf(r1, 'first-load'),
    a.load(r1, r7, ENDPOINT.weight, 'u16'),
    a.mul(r0, r1),
    a.store(r10, AT.firstLoad, r0, 'u64'),
    ...loadOf(r7, 'second-load'),
    a.load(r1, r10, AT.first, 'u64'),
    a.load(r1, r1, ENDPOINT.weight, 'u16'),
    a.mul(r0, r1),
    a.load(r1, r10, AT.firstLoad, 'u64'),
    a.jumpIf(r1, '>', r0, 'chosen'),
    a.label('first'),
    a.load(r7, r10, AT.first, 'u64'),
    a.jump('chosen'),
  ];
}

/** r0 = how many sockets an endpoint would have with one more. */
function loadOf(endpoint: a.Register, label: string): a.Instruction[] {
  return [
    ...openKey(endpoint),
    ...lookup('open', AT.open),
    a.jumpIf(r0, '==', 0, label),
    a.load(r0, r0, 0, 'u64'),
    a.label(label),
    a.add(r0, 1),
  ];
}

/** The key of `open`: address and port of the endpoint, and the protocol. */
function openKey(endpoint: a.Register): a.Instruction[] {
  return [
    ...[0, 8].flatMap((at) => [a.load(r2, endpoint, at, 'u64'), a.store(r10, AT.open + at, r2, 'u64')]),
    a.load(r2, endpoint, ENDPOINT.port, 'u16'),
    a.store(r10, AT.open + 16, r2, 'u16'),
    a.load(r2, r10, AT.protocol, 'u16'),
    a.store(r10, AT.open + 18, r2, 'u16'),
  ];
}

/** A socket that connects to the endpoint in r7 is counted there until it is closed, or connects anew. r9 is used. */
export function countOpen(): a.Instruction[] {
  return [
    a.load(r1, r8, SERVICE.balance, 'u16'),
    a.jumpIf(r1, '!=', BALANCE['least-connections'], 'counted'),
    a.loadField(r2, r6, context, 'sk'),
    ...[a.loadMap(r1, 'held'), a.mov(r3, 0), a.mov(r4, CREATE), a.call('sk_storage_get')],
    a.jumpIf(r0, '==', 0, 'counted'),
    a.mov(r9, r0),
    ...letGo(r9, 'fresh'),
    a.label('fresh'),
    ...openKey(r7),
    ...lookup('open', AT.open),
    a.jumpIf(r0, '!=', 0, 'count'),
    a.store(r10, AT.zero, 0, 'u64'),
    ...update('open', AT.open, AT.zero, BPF_NOEXIST),
    ...lookup('open', AT.open),
    a.jumpIf(r0, '==', 0, 'counted'),
    a.label('count'),
    a.mov(r1, 1),
    a.atomic('add', { base: r0, offset: 0, size: 'u64' }, r1),
    ...[0, 8, 16].flatMap((at) => {
      const size = at === 16 ? 'u32' : 'u64';
      return [a.load(r1, r10, AT.open + at, size), a.store(r9, at, r1, size)];
    }),
    a.store(r9, HELD.counted, 1, 'u32'),
    a.label('counted'),
  ];
}

/** What is kept of the socket is in a register that calls leave alone. Jumps to `end` when there is nothing (more) to do. */
function letGo(held: a.Register, end: string): a.Instruction[] {
  return [
    a.load(r1, held, HELD.counted, 'u32'),
    a.jumpIf(r1, '==', 0, end),
    a.store(held, HELD.counted, 0, 'u32'),
    ...[a.loadMap(r1, 'open'), a.mov(r2, held), a.call('map_lookup_elem')],
    a.jumpIf(r0, '==', 0, end),
    a.load(r1, r0, 0, 'u64'),
    a.jumpIf(r1, '==', 0, end),
    a.mov(r1, -1),
    a.atomic('add', { base: r0, offset: 0, size: 'u64' }, r1),
  ];
}

/** A socket has been closed by all that had it, also by a process that was killed: its endpoint has one less. */
export function release(): a.Instruction[] {
  return [
    a.mov(r2, r1),
    ...[a.loadMap(r1, 'held'), a.mov(r3, 0), a.mov(r4, 0), a.call('sk_storage_get')],
    a.jumpIf(r0, '==', 0, 'end'),
    a.mov(r6, r0),
    ...letGo(r6, 'end'),
    a.label('end'),
    a.mov(r0, 1),
    a.exit(),
  ];
}
