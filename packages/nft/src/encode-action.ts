import { TYPES, type ValueType } from './data-type.ts';
import { alignWord, type ExpressionWriter, register, wordsOf } from './encode-expression.ts';
import { writeInterfaceNat, writeNat, writeTproxy } from './encode-nat.ts';
import { writeSynproxy } from './encode-object.ts';
import { statementsOf, writeStatements } from './encode-set.ts';
import { nftError } from './errors.ts';
import { CT, EXTENSIONS, FIELDS, type FieldInfo, META, setNamed, typesOf } from './expression-type.ts';
import { fieldShape, placed } from './field-shape.ts';
import { addressFamily, SET_CT, SET_META } from './format-statement.ts';
import type { ElementStatement, NamedSet, Statement } from './model.ts';
import { checkName, cleanPrefix } from './name.ts';
import { rejectAnswer } from './reject-code.ts';
import { whatCounts } from './state.ts';
import { encodeBounds, encodeValue } from './value.ts';
import { milliseconds, whole } from './whole-number.ts';
import { LIST_ELEMENT, OBJECT_TYPE } from './wire.ts';

export type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;
export type Action = Exclude<
  Statement,
  StatementOf<
    | 'match'
    | 'lookup'
    | 'anonymous-lookup'
    | 'vmap'
    | 'anonymous-vmap'
    | 'verdict'
    | 'counter'
    | 'limit'
    | 'quota'
    | 'ct-count'
    | 'unknown'
  >
>;

/** Writes a statement that changes the packet, its connection, a set, or the packet's way. */
export function writeAction(writer: ExpressionWriter, statement: Action) {
  switch (statement.kind) {
    case 'set-mark':
      writer.load(statement.to, 0, 'mark');
      return writer.meta(META.mark.key, 0, 'set');
    case 'set-ct-mark':
      writer.load(statement.to, 0, 'mark');
      return writer.ct(CT.mark, 0, 'set');
    case 'set-meta':
      writer.load(statement.to, 0, SET_META[statement.key]);
      return writer.meta(META[statement.key].key, 0, 'set');
    case 'set-ct':
      return setCt(writer, statement);
    case 'set-payload':
      return setPayload(writer, statement);
    case 'set-extension':
      return setExtension(writer, statement);
    case 'reset-tcp-option': // NFTA_EXTHDR_*
      return writer.emit('exthdr', (out) => out.u8(2, tcpOption(statement.option)).u32(6, 1));
    case 'dnat':
    case 'snat':
      return writeNat(writer, statement);
    case 'masquerade':
    case 'redirect':
      return writeInterfaceNat(writer, statement);
    case 'tproxy':
      return writeTproxy(writer, statement);
    case 'update':
      return writeUpdate(writer, statement);
    default:
      return writeEnding(writer, statement);
  }
}

type Ending = StatementOf<
  'reject' | 'log' | 'queue' | 'dup' | 'fwd' | 'notrack' | 'flow-add' | 'synproxy' | 'last' | 'objref' | 'objref-map'
>;

function writeEnding(writer: ExpressionWriter, statement: Ending) {
  switch (statement.kind) {
    case 'reject':
      return writeReject(writer, statement);
    case 'log':
      return writeLog(writer, statement);
    case 'queue':
      return writeQueue(writer, statement);
    case 'dup':
    case 'fwd':
      return writeCopy(writer, statement);
    case 'synproxy':
      return writer.emit('synproxy', (out) => writeSynproxy(out, statement));
    case 'flow-add': // NFTA_FLOW_TABLE_NAME
      return writer.emit('flow_offload', (out) => out.text(1, checkName(statement.flowtable)));
    case 'objref': // NFTA_OBJREF_IMM_*
      return writer.emit('objref', (out) => out.u32(1, OBJECT_TYPE[statement.type]).text(2, checkName(statement.name)));
    case 'objref-map': // NFTA_OBJREF_SET_*
      writer.loadKey(statement.key, 0, setNamed(writer.table, statement.map).interval);
      return writer.emit('objref', (out) => out.u32(3, register(0)).text(4, checkName(statement.map)));
    case 'notrack':
    case 'last':
      return writer.emit(statement.kind, () => undefined);
  }
}

const SET_CT_KEYS = {
  zone: CT.zone,
  'original zone': CT['original zone'],
  'reply zone': CT['reply zone'],
  label: CT.label,
  event: { key: 18 }, // NFT_CT_EVENTMASK
} as const;

function setCt(writer: ExpressionWriter, { key, to }: StatementOf<'set-ct'>): void {
  writer.load(to, 0, SET_CT[key]);
  writer.ct(SET_CT_KEYS[key], 0, 'set');
}

/** Where the checksum lies that covers a header, and its kind: NFT_PAYLOAD_CSUM_*. */
const CHECKSUMS: Readonly<Partial<Record<NonNullable<FieldInfo['needs']>, { type: number; offset: number }>>> = {
  ipv4: { type: 1, offset: 10 },
  tcp: { type: 1, offset: 16 },
  udp: { type: 1, offset: 6 },
  udplite: { type: 1, offset: 6 },
  icmp: { type: 1, offset: 2 },
  icmpv6: { type: 1, offset: 2 },
  igmp: { type: 1, offset: 2 },
  sctp: { type: 2, offset: 8 },
};

/** Addresses are part of the transport's checksum too: NFT_PAYLOAD_L4CSUM_PSEUDOHDR. */
const PSEUDO_HEADER: readonly string[] = ['ip saddr', 'ip daddr', 'ip6 saddr', 'ip6 daddr'];

/** NFTA_PAYLOAD_*: what is less than whole bytes, or than the pairs of bytes a checksum adds up, is read and mended. */
function setPayload(writer: ExpressionWriter, { field, to }: StatementOf<'set-payload'>): void {
  const info: FieldInfo = FIELDS[field];
  const checksum = info.needs && CHECKSUMS[info.needs];
  const shape = writtenShape(info, checksum !== undefined);
  if (!shape.mask) writer.load(to, 0, info.type);
  else if (to.kind !== 'value')
    throw nftError('NFT_BAD_RULESET', `${field} is part of a byte or of a checksum's pair of bytes: assign a constant`);
  else {
    writer.payload({ base: info.base, offset: shape.offset, length: shape.length }, 0);
    writer.mask(0, Buffer.from(shape.mask.map((byte) => ~byte & 255)), placed(shape, encodeValue(info.type, to.value)));
  }
  writer.emit('payload', (out) => {
    out
      .u32(5, register(0))
      .u32(2, { link: 0, network: 1, transport: 2 }[info.base])
      .u32(3, shape.offset)
      .u32(4, shape.length);
    out.u32(6, checksum?.type ?? 0).u32(7, checksum?.offset ?? 0);
    if (PSEUDO_HEADER.includes(field)) out.u32(8, 1);
  });
}

function writtenShape(info: FieldInfo, checksum: boolean): ReturnType<typeof fieldShape> {
  const shape = fieldShape(info);
  if (!checksum || shape.length % 2 === 0) return shape;
  const offset = shape.offset & ~1;
  const length = shape.length + 1;
  const shift = 8 * (offset + length) - info.offset - info.bits;
  const mask = placed({ ...shape, length, shift }, Buffer.from(ones(info.bits), 'hex'));
  return { offset, length, shift, mask };
}

const ones = (bits: number): string => ((1n << BigInt(bits)) - 1n).toString(16).padStart(2 * Math.ceil(bits / 8), '0');

function setExtension(writer: ExpressionWriter, { field, to }: StatementOf<'set-extension'>): void {
  const info = EXTENSIONS[field];
  if (!info.type || info.op !== 'tcpopt')
    throw nftError('NFT_BAD_RULESET', `${field} cannot be written, only fields of TCP options`);
  const { offset, length } = fieldShape(info);
  writer.load(to, 0, info.type);
  const type = typesOf(to, writer.table)?.[0];
  if (type && TYPES[type].order === 'host' && length > 1) writer.toBigEndian(0, length);
  writer.emit('exthdr', (out) => out.u8(2, info.number).u32(3, offset).u32(4, length).u32(6, 1).u32(7, register(0)));
}

function tcpOption(field: StatementOf<'reset-tcp-option'>['option']): number {
  const info = EXTENSIONS[field];
  if (info.op !== 'tcpopt' || info.type) throw nftError('NFT_BAD_RULESET', `"${field}" is not a TCP option`);
  return info.number;
}

/** NFTA_DYNSET_* */
function writeUpdate(
  writer: ExpressionWriter,
  { op, set, key, data, timeout, statements = [] }: StatementOf<'update'>,
): void {
  const target = setNamed(writer.table, set);
  writer.load(key, 0);
  const dataWord = alignWord(wordsOf(writer.lengthOf(key)));
  const dataType: ValueType | undefined =
    target.data !== undefined && target.data !== 'verdict' ? target.data[0] : undefined;
  if (data) writer.load(data, dataWord, dataType);
  writer.emit('dynset', (out) => {
    out.text(1, checkName(set)).u32(3, { add: 0, update: 1, delete: 2 }[op]).u32(4, register(0));
    if (data) out.u32(5, register(dataWord));
    if (timeout !== undefined) out.u64(6, milliseconds(timeout));
    const own = isKept(target, statements) ? [] : statements;
    writeStatements(out, own, { one: 7, many: 10 });
    if (own.length > 1) out.u32(9, 2); // NFT_DYNSET_F_EXPR
  });
}

/** Whether the set's elements keep these by themselves: the kernel does not list them then, so we do not say them. */
function isKept(set: NamedSet, statements: readonly ElementStatement[]): boolean {
  return JSON.stringify(statementsOf(set).map(whatCounts)) === JSON.stringify(statements.map(whatCounts));
}

/** NFTA_REJECT_*: type 0 ICMP of the family, 1 TCP reset, 2 family-independent */
function writeReject(writer: ExpressionWriter, { with: reason, protocol }: StatementOf<'reject'>): void {
  const answer = rejectAnswer(reason, writer.table.family, protocol);
  writer.emit('reject', (out) => {
    out.u32(1, answer.protocol === 'tcp' ? 1 : answer.protocol === 'icmpx' ? 2 : 0);
    if (answer.protocol !== 'tcp') out.u8(2, answer.code);
  });
}

const LOG_FLAGS = { 'tcp sequence': 1, 'tcp options': 2, 'ip options': 4, skuid: 8, ether: 32 } as const;
const LOG_LEVELS = { emerg: 0, alert: 1, crit: 2, err: 3, warn: 4, notice: 5, info: 6, debug: 7, audit: 8 } as const;

/** NFTA_LOG_* */
function writeLog(writer: ExpressionWriter, statement: StatementOf<'log'>): void {
  const { prefix, group, snaplen, queueThreshold, level, flags = [] } = statement;
  writer.emit('log', (out) => {
    if (prefix !== undefined) out.text(2, cleanPrefix(prefix));
    if (group !== undefined) out.u16(1, whole(group, 16));
    if (snaplen !== undefined) out.u32(3, whole(snaplen, 32));
    if (queueThreshold !== undefined) out.u16(4, whole(queueThreshold, 16));
    // warn is what the kernel takes without a level
    if (level !== undefined && level !== 'warn') out.u32(5, LOG_LEVELS[level]);
    if (flags.length)
      out.u32(
        6,
        flags.reduce((all, flag) => all | LOG_FLAGS[flag], 0),
      );
  });
}

/** NFTA_QUEUE_* */
function writeQueue(writer: ExpressionWriter, { to, bypass, fanout }: StatementOf<'queue'>): void {
  const flags = (bypass ? 1 : 0) | (fanout ? 2 : 0);
  const range = to.kind === 'value' ? encodeBounds('integer16be', to.value) : undefined;
  if (!range) writer.load(to, 0);
  writer.emit('queue', (out) => {
    if (range) {
      const first = range.from.readUInt16BE(0);
      out.u16(1, first).u16(2, range.to.readUInt16BE(0) - first + 1);
    } else out.u32(4, register(0));
    if (flags) out.u16(3, flags);
  });
}

/** NFTA_DUP_*, NFTA_FWD_* */
function writeCopy(writer: ExpressionWriter, statement: StatementOf<'dup' | 'fwd'>): void {
  const { kind, to, device } = statement;
  const family = addressFamily(statement, writer.table);
  if (to) writer.load(to, 0, family === 'ip' ? 'ipv4_addr' : 'ipv6_addr');
  const deviceWord = to ? 4 : 0;
  if (device) writer.load(device, deviceWord, 'iface_index');
  const number = kind === 'dup' ? { address: 1, device: 2 } : { address: 2, device: 1 };
  writer.emit(kind, (out) => {
    if (to) out.u32(number.address, register(0));
    if (device) out.u32(number.device, register(deviceWord));
    if (kind === 'fwd' && to) out.u32(3, family === 'ip' ? 2 : 10);
  });
}

/** Bytecode as it was observed. */
export function writeUnknown(writer: ExpressionWriter, { expressions }: StatementOf<'unknown'>): void {
  for (const { name, attributes } of expressions)
    writer.out.nest(LIST_ELEMENT, () => {
      writer.out.text(1, name).nest(2, () => {
        for (const { type, payload } of attributes) writer.out.bytes(type, payload);
      });
    });
}
