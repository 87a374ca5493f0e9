import type { AttributeWriter } from './attribute-writer.ts';
import { TYPES } from './data-type.ts';
import { writeCounter, writeQuota, writeRate } from './encode-state.ts';
import { nftError } from './errors.ts';
import type { Flowtable, NamedObject, SynproxyOptions } from './model.ts';
import { checkIfname, checkName, checkObjectName, checkWord, commentOf } from './name.ts';
import { commentUserdata } from './userdata.ts';
import { checkPriority, milliseconds, whole } from './whole-number.ts';
import { DEVICE_NAME, FLOWTABLE, FLOWTABLE_FLAG, FLOWTABLE_HOOK, OBJECT, OBJECT_TYPE } from './wire.ts';

const L3 = { ip: 2, ip6: 10, inet: 1 } as const;
const L4 = { tcp: 6, udp: 17, dccp: 33, sctp: 132, udplite: 136 } as const;

/** Numbers of the states of a ct timeout policy: CTA_TIMEOUT_TCP_*, CTA_TIMEOUT_UDP_*. */
export const TIMEOUT_STATES: Readonly<Record<'tcp' | 'udp', Readonly<Record<string, number>>>> = {
  tcp: {
    syn_sent: 1,
    syn_recv: 2,
    established: 3,
    fin_wait: 4,
    close_wait: 5,
    last_ack: 6,
    time_wait: 7,
    close: 8,
    retrans: 10,
    unack: 11,
  },
  udp: { unreplied: 1, replied: 2 },
};

/** Attributes of NFT_MSG_NEWOBJ after the table. */
export function writeObject(out: AttributeWriter, object: NamedObject) {
  out.text(OBJECT.name, checkObjectName(object.kind, object.name)).u32(OBJECT.type, OBJECT_TYPE[object.kind]);
  out.nest(OBJECT.data, () => writeObjectData(out, object));
  if (commentOf(object.comment) !== undefined) out.bytes(OBJECT.userdata, commentUserdata(object.comment ?? ''));
}

function writeObjectData(out: AttributeWriter, object: NamedObject) {
  switch (object.kind) {
    case 'counter':
      return writeCounter(out, object);
    case 'quota':
      return writeQuota(out, object);
    case 'limit':
      return writeRate(out, object);
    case 'ct helper': // NFTA_CT_HELPER_*
      out
        .text(1, checkWord(object.helper))
        .u16(2, L3[object.l3proto ?? 'inet'])
        .u8(3, L4[object.protocol]);
      return;
    case 'ct timeout': // NFTA_CT_TIMEOUT_*
      out.u16(1, L3[object.l3proto ?? 'inet']).u8(2, L4[object.protocol]);
      out.nest(3, () => writeTimeoutPolicy(out, object));
      return;
    case 'ct expectation': // NFTA_CT_EXPECT_*
      out
        .u16(1, L3[object.l3proto ?? 'inet'])
        .u8(2, L4[object.protocol])
        .u16(3, whole(object.dport, 16));
      // the one number that the kernel takes in its own order
      out.bytes(4, TYPES.integer32.encode(milliseconds(object.timeout, 32))).u8(5, whole(object.size, 8));
      return;
    case 'synproxy':
      return writeSynproxy(out, object);
    case 'secmark': // NFTA_SECMARK_CTX
      out.text(1, checkWord(object.context));
  }
}

function writeTimeoutPolicy(
  out: AttributeWriter,
  { name, protocol, policy }: Extract<NamedObject, { kind: 'ct timeout' }>,
): void {
  for (const [state, seconds] of Object.entries(policy))
    out.u32(timeoutState(name, protocol, state), whole(seconds, 32));
}

/** Throws NFT_BAD_RULESET when the protocol has no such state. */
export function timeoutState(object: string, protocol: 'tcp' | 'udp', state: string): number {
  const states = TIMEOUT_STATES[protocol];
  const number = Object.hasOwn(states, state) ? states[state] : undefined;
  if (number === undefined)
    throw nftError(
      'NFT_BAD_RULESET',
      `ct timeout ${object}: ${protocol} has no state "${state}"; it has ${Object.keys(states).join(' ')}`,
    );
  return number;
}

/** NFTA_SYNPROXY_*, NF_SYNPROXY_OPT_* */
export function writeSynproxy(out: AttributeWriter, { mss, wscale, timestamp, sackPerm }: SynproxyOptions): void {
  const flags = (mss === undefined ? 0 : 1) | (wscale === undefined ? 0 : 2) | (sackPerm ? 4 : 0) | (timestamp ? 8 : 0);
  out
    .u16(1, whole(mss ?? 0, 16))
    .u8(2, whole(wscale ?? 0, 8))
    .u32(3, flags);
}

/** Attributes of NFT_MSG_NEWFLOWTABLE after the table; its hook is always ingress. */
export function writeFlowtable(out: AttributeWriter, { name, priority, devices, offload, counter }: Flowtable): void {
  out.text(FLOWTABLE.name, checkName(name));
  out.nest(FLOWTABLE.hook, () => {
    out.u32(FLOWTABLE_HOOK.number, 0).u32(FLOWTABLE_HOOK.priority, checkPriority(priority));
    out.nest(FLOWTABLE_HOOK.devices, () => {
      for (const device of devices) out.text(DEVICE_NAME, checkIfname(device));
    });
  });
  const flags = (offload ? FLOWTABLE_FLAG.offload : 0) | (counter ? FLOWTABLE_FLAG.counter : 0);
  if (flags) out.u32(FLOWTABLE.flags, flags);
}
