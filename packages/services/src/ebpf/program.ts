import { errnoOf } from '@podwire/kernel';
import * as a from '@podwire/kernel/bpf';
import { BALANCE, BY_ID, CLIENT, CONNECTED, ENDPOINT, MAGLEV_SIZE, SERVICE, WHOSE } from './layout.ts';
import { chooseLeast, countOpen } from './least-connections.ts';
import { AT, endpointInSlot, lookup, update } from './stack.ts';

const { r0, r1, r2, r6, r7, r8, r9, r10 } = a;
const context = a.CONTEXTS.bpf_sock_addr;

/** A UDP socket that is not connected stays with its endpoint as long as conntrack would keep a stream, in seconds. */
const UDP_STREAM_SECONDS = 120;
const NANOSECONDS = 1_000_000_000;
const UDP = 17;

export interface TranslationOptions {
  readonly family: 'ipv4' | 'ipv6';
  /** For datagrams of sockets that are not connected: one socket stays with its endpoint. */
  readonly datagrams: boolean;
  /** The kernel can say ECONNREFUSED (bpf_set_retval, Linux 5.18); else it says EPERM. */
  readonly canRefuse: boolean;
}

/**
 * Replaces the service address a socket is about to connect or send to by the address of an endpoint, and remembers what it
 * stood for. What is no service address, and sockets in namespaces that are not the node's, are left alone.
 */
export function translation(options: TranslationOptions): a.Instruction[] {
  return [
    a.mov(r6, r1),
    ...leaveForeign(),
    ...readTarget(options.family),
    ...lookup('services', AT.key),
    a.jumpIf(r0, '==', 0, 'allow'),
    a.mov(r8, r0),
    ...leaveOthersLoopback(),
    a.load(r7, r8, SERVICE.count, 'u32'),
    a.jumpIf(r7, '==', 0, 'refuse'),
    a.load(r9, r8, SERVICE.affinity, 'u32'),
    ...(options.datagrams ? whoStaysDatagram() : whoStays()),
    ...stay(),
    ...choose(),
    a.label('chosen'),
    ...remember(),
    a.label('found'),
    ...(options.datagrams ? rememberDatagram() : [...countOpen(), ...rememberConnection()]),
    a.label('write'),
    ...writeTarget(r7, ENDPOINT.port, options.family),
    a.label('allow'),
    a.mov(r0, 1),
    a.exit(),
    a.label('refuse'),
    ...(options.datagrams ? [] : allowUdp()),
    ...(options.canRefuse ? [a.mov(r1, -errnoOf('ECONNREFUSED')), a.call('set_retval')] : []),
    a.mov(r0, 0),
    a.exit(),
  ];
}

/** UDP sockets may connect to anything; what they send then is refused by the rules. */
function allowUdp(): a.Instruction[] {
  return [a.loadField(r2, r6, context, 'protocol'), a.jumpIf(r2, '==', UDP, 'allow')];
}

/**
 * Replaces the endpoint that a socket shows by the service it was asked for: as its peer, or (`datagrams`) as the source of
 * what it receives.
 */
export function reverseTranslation({
  family,
  datagrams,
}: Pick<TranslationOptions, 'family' | 'datagrams'>): a.Instruction[] {
  return [
    a.mov(r6, r1),
    ...readAddress(family, AT.reverseEndpoint),
    a.loadField(r2, r6, context, 'user_port'),
    a.store(r10, AT.reversePort, r2, 'u64'),
    ...lookupConnection(),
    ...writeTarget(r0, ENDPOINT.port, family),
    a.jump('allow'),
    a.label('unconnected'),
    ...(datagrams ? lookupDatagram(family) : []),
    a.label('allow'),
    a.mov(r0, 1),
    a.exit(),
  ];
}

/** r0 = what is kept of the socket's connection, if the endpoint is the one it was connected to. */
function lookupConnection(): a.Instruction[] {
  const { cookie, service, endpoint, endpointPort } = CONNECTED;
  const compared = [
    [cookie, AT.reverse],
    [endpoint, AT.reverseEndpoint],
    [endpoint + 8, AT.reverseEndpoint + 8],
    [endpointPort, AT.reversePort],
  ] as const;
  return [
    ...connection('unconnected'),
    ...compared.flatMap(([kept, asked]) => [
      a.load(r1, r0, kept, 'u64'),
      a.load(r2, r10, asked, 'u64'),
      a.jumpIf(r1, '!=', r2, 'unconnected'),
    ]),
    a.add(r0, service),
  ];
}

function lookupDatagram(family: TranslationOptions['family']): a.Instruction[] {
  return [...lookup('reverse', AT.reverse), a.jumpIf(r0, '==', 0, 'allow'), ...writeTarget(r0, ENDPOINT.port, family)];
}

/** r0 = the place for what is kept of a socket's connection. The cookie is on the stack afterwards. */
function connection(none: string): a.Instruction[] {
  return [
    a.mov(r1, r6),
    a.call('get_socket_cookie'),
    a.store(r10, AT.reverse, r0, 'u64'),
    a.and(r0, CONNECTED.count - 1),
    a.store(r10, AT.slot, r0, 'u32'),
    ...lookup('connected', AT.slot),
    a.jumpIf(r0, '==', 0, none),
  ];
}

function leaveForeign(): a.Instruction[] {
  return [
    a.call('get_netns_cookie'),
    a.store(r10, AT.cookie, r0, 'u64'),
    a.store(r10, AT.client, r0, 'u64'),
    ...lookup('namespaces', AT.cookie),
    a.jumpIf(r0, '==', 0, 'allow'),
    a.load(r9, r0, 0, 'u32'),
  ];
}

/** 127.0.0.1 of a pod is the pod's. r9 is whose the socket is. */
function leaveOthersLoopback(): a.Instruction[] {
  return [
    a.load(r1, r8, SERVICE.whose, 'u16'),
    a.jumpIf(r1, '==', WHOSE.any, 'everyone'),
    a.jumpIf(r1, '!=', r9, 'allow'),
    a.label('everyone'),
  ];
}

function readTarget(family: TranslationOptions['family']): a.Instruction[] {
  return [
    ...readAddress(family, AT.key),
    a.loadField(r2, r6, context, 'user_port'),
    a.store(r10, AT.port, r2, 'u16'),
    a.loadField(r2, r6, context, 'protocol'),
    a.store(r10, AT.protocol, r2, 'u16'),
    a.store(r10, AT.slot, 0, 'u32'),
  ];
}

const WORDS = [0, 1, 2, 3] as const;
/** ::ffff:0:0 as the middle word lies in memory. */
const MAPPED = 0xffff0000;

function readAddress(family: TranslationOptions['family'], at: number): a.Instruction[] {
  if (family === 'ipv6')
    return WORDS.flatMap((word) => [
      a.loadField(r2, r6, context, ['user_ip6', word]),
      a.store(r10, at + word * 4, r2, 'u32'),
    ]);
  return [
    a.store(r10, at, 0, 'u64'),
    a.mov32(r2, MAPPED),
    a.store(r10, at + 8, r2, 'u32'),
    a.loadField(r2, r6, context, 'user_ip4'),
    a.store(r10, at + 12, r2, 'u32'),
  ];
}

/** From an address of 16 bytes that a register points to, and the port behind it. */
function writeTarget(from: a.Register, port: number, family: TranslationOptions['family']): a.Instruction[] {
  const words: readonly a.Instruction[] =
    family === 'ipv4'
      ? [a.load(r2, from, 12, 'u32'), a.storeField(r6, context, 'user_ip4', r2)]
      : WORDS.flatMap((word) => [a.load(r2, from, word * 4, 'u32'), a.storeField(r6, context, ['user_ip6', word], r2)]);
  return [...words, a.load(r2, from, port, 'u16'), a.storeField(r6, context, 'user_port', r2)];
}

/** With affinity the client is the namespace; without it nobody stays. */
function whoStays(): a.Instruction[] {
  return [
    a.jumpIf(r9, '==', 0, 'choose'),
    a.mul(r9, NANOSECONDS),
    a.mov32(r2, CLIENT.namespace),
    a.store(r10, AT.slot, r2, 'u32'),
  ];
}

function whoStaysDatagram(): a.Instruction[] {
  return [
    a.mov32(r2, CLIENT.namespace),
    a.jumpIf(r9, '!=', 0, 'client'),
    a.mov(r9, UDP_STREAM_SECONDS),
    a.mov(r1, r6),
    a.call('get_socket_cookie'),
    a.store(r10, AT.cookie, r0, 'u64'),
    a.mov32(r2, CLIENT.socket),
    a.label('client'),
    a.mul(r9, NANOSECONDS),
    a.store(r10, AT.slot, r2, 'u32'),
  ];
}

/** The endpoint the client had last, if it exists and the time is not over; the time begins anew. */
function stay(): a.Instruction[] {
  return [
    ...lookup('affinity', AT.key),
    a.jumpIf(r0, '==', 0, 'choose'),
    a.mov(r7, r0),
    a.call('ktime_get_ns'),
    a.load(r1, r7, 8, 'u64'),
    a.mov(r2, r0),
    a.sub(r2, r1),
    a.jumpIf(r2, '>', r9, 'choose'),
    a.store(r7, 8, r0, 'u64'),
    a.load(r1, r7, 0, 'u32'),
    a.mov32(r2, BY_ID),
    a.or(r1, r2),
    a.store(r10, AT.slot, r1, 'u32'),
    ...lookup('endpoints', AT.key),
    a.mov(r7, r0),
    a.jumpIf(r7, '!=', 0, 'found'),
  ];
}

/** r7 = an endpoint. Slots and counts are written one after the other, so a slot may just have gone: then the first one. */
function choose(): a.Instruction[] {
  return [
    a.label('choose'),
    a.load(r1, r8, SERVICE.balance, 'u16'),
    a.jumpIf(r1, '==', BALANCE.maglev, 'maglev'),
    a.jumpIf(r1, '==', BALANCE['round-robin'], 'round-robin'),
    a.jumpIf(r1, '==', BALANCE['least-connections'], 'least'),
    a.label('random'),
    a.call('get_prandom_u32'),
    a.label('draw'),
    a.load(r7, r8, SERVICE.count, 'u32'),
    a.mod(r0, r7),
    a.label('slot'),
    ...endpointInSlot(),
    a.mov(r7, r0),
    a.jumpIf(r7, '!=', 0, 'chosen'),
    a.store(r10, AT.slot, 0, 'u32'),
    ...lookup('endpoints', AT.key),
    a.mov(r7, r0),
    a.jumpIf(r7, '==', 0, 'allow'),
    a.jump('chosen'),
    a.label('round-robin'),
    a.mov(r0, 1),
    a.atomic('add', { base: r8, offset: SERVICE.next, size: 'u32', fetch: true }, r0),
    a.jump('draw'),
    ...byTable(),
    ...chooseLeast(),
  ];
}

/** Multiplying by 2^64 over the golden ratio spreads cookies, which are small numbers, over the upper half. */
const SPREAD = 0x9e3779b97f4a7c15n;

function byTable(): a.Instruction[] {
  return [
    a.label('maglev'),
    ...lookup('tables', AT.key),
    a.jumpIf(r0, '==', 0, 'random'),
    a.load(r1, r10, AT.client, 'u64'),
    a.loadConstant(r2, SPREAD),
    a.mul(r1, r2),
    a.rsh(r1, 32),
    a.mod(r1, MAGLEV_SIZE),
    a.jumpIf(r1, '>=', MAGLEV_SIZE, 'random'), // for the verifier
    a.lsh(r1, 1),
    a.add(r0, r1),
    a.load(r0, r0, 0, 'u16'),
    a.jump('slot'),
  ];
}

/** The choice is kept for a client that stays. */
function remember(): a.Instruction[] {
  return [
    a.jumpIf(r9, '==', 0, 'found'),
    a.load(r1, r7, ENDPOINT.id, 'u16'),
    a.store(r10, AT.choice, r1, 'u64'),
    a.call('ktime_get_ns'),
    a.store(r10, AT.time, r0, 'u64'),
    a.mov32(r2, CLIENT.namespace),
    a.load(r1, r8, SERVICE.affinity, 'u32'),
    a.jumpIf(r1, '!=', 0, 'keep'),
    a.mov32(r2, CLIENT.socket),
    a.label('keep'),
    a.store(r10, AT.slot, r2, 'u32'),
    ...update('affinity', AT.key, AT.choice),
  ];
}

/** For getpeername, and recvmsg of a connected socket. An array, because an update of an LRU map costs 300 ns. */
function rememberConnection(): a.Instruction[] {
  const { cookie, service, endpoint, endpointPort } = CONNECTED;
  return [
    ...connection('write'),
    a.store(r0, cookie, 0, 'u64'),
    ...[0, 8].flatMap((at) => [a.load(r1, r10, AT.key + at, 'u64'), a.store(r0, service + at, r1, 'u64')]),
    a.load(r1, r10, AT.port, 'u32'),
    a.store(r0, service + 16, r1, 'u32'),
    ...[0, 8].flatMap((at) => [a.load(r1, r7, at, 'u64'), a.store(r0, endpoint + at, r1, 'u64')]),
    a.load(r1, r7, ENDPOINT.port, 'u16'),
    a.store(r0, endpointPort, r1, 'u64'),
    a.load(r1, r10, AT.reverse, 'u64'),
    a.store(r0, cookie, r1, 'u64'),
  ];
}

/** For recvmsg of a socket that may send to many services: what this endpoint stands for on this socket. */
function rememberDatagram(): a.Instruction[] {
  return [
    a.mov(r1, r6),
    a.call('get_socket_cookie'),
    a.store(r10, AT.reverse, r0, 'u64'),
    ...[0, 8].flatMap((at) => [a.load(r1, r7, at, 'u64'), a.store(r10, AT.reverseEndpoint + at, r1, 'u64')]),
    a.load(r1, r7, ENDPOINT.port, 'u16'),
    a.store(r10, AT.reversePort, r1, 'u64'),
    ...update('reverse', AT.reverse, AT.key),
  ];
}
