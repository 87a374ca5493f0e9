import { DecodeError, encodeError } from '../errors.ts';
import { attributes } from '../netlink/attribute.ts';
import {
  array,
  bits,
  blob,
  bytes,
  type Codec,
  named,
  pad,
  s32,
  struct,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
} from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import { xfrmAead, xfrmAlgorithm, xfrmAuthentication } from './xfrm-algorithm.ts';

/** Messages and attributes of IPsec's state and policy databases, linux/xfrm.h. */

export const XFRM_MSG = {
  NEWSA: 16,
  DELSA: 17,
  GETSA: 18,
  NEWPOLICY: 19,
  DELPOLICY: 20,
  GETPOLICY: 21,
  ACQUIRE: 23,
  EXPIRE: 24,
  UPDPOLICY: 25,
  UPDSA: 26,
  POLEXPIRE: 27,
  FLUSHSA: 28,
  FLUSHPOLICY: 29,
} as const;

/** XFRMNLGRP_*: the multicast groups that tell of changes. */
export const XFRMNLGRP = {
  ACQUIRE: 1,
  EXPIRE: 2,
  SA: 3,
  POLICY: 4,
  AEVENTS: 5,
  REPORT: 6,
  MIGRATE: 7,
  MAPPING: 8,
} as const;

/** xfrm_address_t: 16 bytes, of which an IPv4 address takes the first four; the family stands elsewhere. */
const address = blob(16);
export const xfrmProtocol = named(u8, { any: 0, esp: 50, ah: 51, comp: 108, route2: 43, hao: 60 });
export const xfrmMode = named(u8, { transport: 0, tunnel: 1, routeOptimization: 2, inTrigger: 3, beet: 4 });
export const xfrmDirection = named(u8, { in: 0, out: 1, forward: 2 });

export const xfrmSelector = completeStruct('xfrm_selector', {
  destination: address,
  source: address,
  destinationPort: u16be,
  destinationPortMask: u16be,
  sourcePort: u16be,
  sourcePortMask: u16be,
  family: u16,
  destinationLength: u8,
  sourceLength: u8,
  protocol: u8,
  _1: pad(3),
  link: s32,
  user: u32,
});
const id = completeStruct('xfrm_id', { destination: address, spi: u32be, protocol: xfrmProtocol, _1: pad(3) });

export const xfrmLifetime = completeStruct('xfrm_lifetime_cfg', {
  softBytes: u64,
  hardBytes: u64,
  softPackets: u64,
  hardPackets: u64,
  softAddSeconds: u64,
  hardAddSeconds: u64,
  softUseSeconds: u64,
  hardUseSeconds: u64,
});
const current = completeStruct('xfrm_lifetime_cur', { bytes: u64, packets: u64, addTime: u64, useTime: u64 });

export const xfrmStateFlags = bits(u8, {
  noEcn: 1,
  decapDscp: 2,
  noPathMtuDiscovery: 4,
  wildReceive: 8,
  icmp: 16,
  afUnspec: 32,
  align4: 64,
  esn: 128,
});

export const usersaInfo = completeStruct('xfrm_usersa_info', {
  selector: xfrmSelector,
  id,
  source: address,
  lifetime: xfrmLifetime,
  current,
  stats: completeStruct('xfrm_stats', { replayWindow: u32, replay: u32, integrityFailed: u32 }),
  sequence: u32,
  reqid: u32,
  family: u16,
  mode: xfrmMode,
  replayWindow: u8,
  flags: { ...xfrmStateFlags, size: 1 },
  _1: pad(7),
});
export const usersaId = completeStruct('xfrm_usersa_id', {
  destination: address,
  spi: u32be,
  family: u16,
  protocol: xfrmProtocol,
  _1: pad(1),
});
export const usersaFlush = completeStruct('xfrm_usersa_flush', { protocol: xfrmProtocol });

export const userpolicyInfo = completeStruct('xfrm_userpolicy_info', {
  selector: xfrmSelector,
  lifetime: xfrmLifetime,
  current,
  priority: u32,
  index: u32,
  direction: xfrmDirection,
  action: named(u8, { allow: 0, block: 1 }),
  flags: u8,
  share: u8,
  _1: pad(4),
});
export const userpolicyId = completeStruct('xfrm_userpolicy_id', {
  selector: xfrmSelector,
  index: u32,
  direction: xfrmDirection,
  _1: pad(3),
});
const noHeader = struct('no header', {});

const template = completeStruct('xfrm_user_tmpl', {
  id,
  family: u16,
  _1: pad(2),
  source: address,
  reqid: u32,
  mode: xfrmMode,
  share: u8,
  optional: u8,
  _2: pad(1),
  authenticationAlgorithms: u32,
  encryptionAlgorithms: u32,
  compressionAlgorithms: u32,
});

export interface ReplayEsn {
  readonly outSequence: bigint;
  readonly inSequence: bigint;
  /** Packets, in multiples of which the bitmap has 32 bits. */
  readonly window: number;
}

const ESN_HEADER = 24;
const ESN_WORDS = 128;

/** struct xfrm_replay_state_esn; the bitmap of packets that came is written empty and not read. */
const replayEsn: Codec<ReplayEsn> = {
  name: 'xfrm_replay_state_esn',
  write(out, { outSequence, inSequence, window }) {
    const words = Math.ceil(window / 32);
    if (!(words >= 0 && words <= ESN_WORDS))
      throw encodeError(`a replay window of ${window}; at most ${ESN_WORDS * 32}`);
    const low = (sequence: bigint) => Number(sequence & 0xffffffffn);
    const high = (sequence: bigint) => Number((sequence >> 32n) & 0xffffffffn);
    const fields = [words, low(outSequence), low(inSequence), high(outSequence), high(inSequence), window];
    for (const field of fields) out.u32(field);
    out.zeros(words * 4);
  },
  read(b) {
    if (b.length < ESN_HEADER) throw new DecodeError(`a replay state from ${b.length} bytes`);
    const sequence = (low: number, high: number) => (BigInt(b.readUInt32LE(high)) << 32n) | BigInt(b.readUInt32LE(low));
    return { outSequence: sequence(4, 12), inSequence: sequence(8, 16), window: b.readUInt32LE(20) };
  },
};

export const xfrmAttributes = attributes('xfrm', {
  oldAuthentication: [1, xfrmAlgorithm, 'XFRMA_ALG_AUTH'],
  encryption: [2, xfrmAlgorithm, 'XFRMA_ALG_CRYPT'],
  compression: [3, xfrmAlgorithm, 'XFRMA_ALG_COMP'],
  encapsulation: [
    4,
    completeStruct('xfrm_encap_tmpl', {
      type: named(u16, { 'espinudp-nonike': 1, espinudp: 2, espintcp: 7 }),
      sourcePort: u16be,
      destinationPort: u16be,
      _1: pad(2),
      original: address,
    }),
    'XFRMA_ENCAP',
  ],
  templates: [5, array(template), 'XFRMA_TMPL'],
  securityContext: [8, bytes, 'XFRMA_SEC_CTX'],
  replay: [
    10,
    completeStruct('xfrm_replay_state', { outSequence: u32, inSequence: u32, bitmap: u32 }),
    'XFRMA_REPLAY_VAL',
  ],
  sourceAddress: [13, bytes, 'XFRMA_SRCADDR'],
  lastUsed: [15, u64, 'XFRMA_LASTUSED'],
  policyType: [16, bytes, 'XFRMA_POLICY_TYPE'],
  aead: [18, xfrmAead, 'XFRMA_ALG_AEAD'],
  authentication: [20, xfrmAuthentication, 'XFRMA_ALG_AUTH_TRUNC'],
  mark: [21, completeStruct('xfrm_mark', { value: u32, mask: u32 }), 'XFRMA_MARK'],
  trafficPadding: [22, u32, 'XFRMA_TFCPAD'],
  replayEsn: [23, replayEsn, 'XFRMA_REPLAY_ESN_VAL'],
  extraFlags: [24, bits(u32, { dontEncapDscp: 1, outSequenceMayWrap: 2 }), 'XFRMA_SA_EXTRA_FLAGS'],
  protocol: [25, xfrmProtocol, 'XFRMA_PROTO'],
  offload: [
    28,
    completeStruct('xfrm_user_offload', {
      link: s32,
      flags: { ...bits(u8, { ipv6: 1, inbound: 2, packet: 4 }), size: 1 },
      _1: pad(3),
    }),
    'XFRMA_OFFLOAD_DEV',
  ],
  setMark: [29, u32, 'XFRMA_SET_MARK'],
  setMarkMask: [30, u32, 'XFRMA_SET_MARK_MASK'],
  interfaceId: [31, u32, 'XFRMA_IF_ID'],
  timerThreshold: [32, u32, 'XFRMA_MTIMER_THRESH'],
  direction: [33, named(u8, { in: 1, out: 2 }), 'XFRMA_SA_DIR'],
});

type Word = keyof typeof XFRM_MSG;
const HEADERS: Readonly<Partial<Record<Word, { name: string; size: number }>>> = {
  NEWSA: usersaInfo,
  UPDSA: usersaInfo,
  DELSA: usersaId,
  GETSA: usersaId,
  NEWPOLICY: userpolicyInfo,
  UPDPOLICY: userpolicyInfo,
  DELPOLICY: userpolicyId,
  GETPOLICY: userpolicyId,
  FLUSHSA: usersaFlush,
  FLUSHPOLICY: noHeader,
};

/** XFRM_MSG_* by type. */
export const xfrmLayouts: Readonly<Record<number, MessageLayout>> = Object.fromEntries(
  Object.entries(HEADERS).map(([word, header]) => {
    return [XFRM_MSG[word as Word], { name: `XFRM_MSG_${word}`, header, table: xfrmAttributes }];
  }),
);
registerLayouts('xfrm', xfrmLayouts);
