import { familyOf, type IpAddress } from '@podwire/base';
import { encodeError, isErrno } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { ValueOf } from '../netlink/codec.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody, type NetlinkMessage, NLM_F } from '../netlink/netlink-message.ts';
import type { XfrmAlgorithm, XfrmSealingAlgorithm } from './xfrm-algorithm.ts';
import {
  addressFromWire,
  addressToWire,
  familyFromWire,
  familyNumber,
  lifetimeFromWire,
  lifetimeToWire,
  selectorFromWire,
  selectorToWire,
  type XfrmLifetime,
  type XfrmSelector,
} from './xfrm-selector.ts';
import {
  usersaFlush,
  usersaId,
  usersaInfo,
  XFRM_MSG,
  xfrmAttributes,
  type xfrmMode,
  type xfrmProtocol,
} from './xfrm-table.ts';

/** Security associations: how packets are sealed; ip-xfrm(8), RFC 4301. Every function wants a socket of the protocol `xfrm`. */

export type XfrmProtocol = ValueOf<typeof xfrmProtocol>;
export type XfrmMode = ValueOf<typeof xfrmMode>;

export interface XfrmMark {
  readonly value: number;
  readonly mask: number;
}

export interface XfrmStateKey {
  readonly destination: IpAddress;
  /** Security parameter index, which stands in every packet; from 256 on. */
  readonly spi: number;
  readonly protocol: XfrmProtocol;
  /** The mark that packets must have to find it. */
  readonly mark?: XfrmMark;
}

export interface XfrmStateSpec extends XfrmStateKey {
  readonly source: IpAddress;
  readonly mode: XfrmMode;
  /** Ties states to the templates of policies. */
  readonly reqid?: number;
  /** Encryption and integrity in one, `rfc4106(gcm(aes))`, or both apart. */
  readonly aead?: XfrmSealingAlgorithm;
  readonly encryption?: XfrmAlgorithm;
  readonly authentication?: XfrmSealingAlgorithm;
  readonly compression?: XfrmAlgorithm;
  /** ESP in UDP, RFC 3948. */
  readonly encapsulation?: { readonly type: 'espinudp'; readonly sourcePort: number; readonly destinationPort: number };
  /** Packets that may come late; up to 32 without extended sequence numbers, else up to 4096. */
  readonly replayWindow?: number;
  /** Sequence numbers of 64 bits, RFC 4304. */
  readonly esn?: boolean;
  readonly selector?: XfrmSelector;
  readonly lifetime?: XfrmLifetime;
  /** The mark that sealed packets get. */
  readonly outputMark?: XfrmMark;
  /** Of the xfrm link it belongs to. */
  readonly interfaceId?: number;
  readonly offload?: { readonly link: number; readonly inbound?: boolean; readonly packet?: boolean };
  /** Do not search for the path's MTU. */
  readonly noPathMtuDiscovery?: boolean;
}

export interface XfrmState extends XfrmStateSpec {
  readonly reqid: number;
  readonly replayWindow: number;
  readonly bytes: bigint;
  readonly packets: bigint;
}

type InfoWire = ValueOf<typeof usersaInfo>;
type XfrmWire = AttributesOf<typeof xfrmAttributes.rows>;

/** EEXIST: the state is there; ENOENT: the kernel does not know an algorithm; EPROTONOSUPPORT: nor the protocol. */
export function createXfrmState(netlink: Netlink<'xfrm'>, state: XfrmStateSpec): void {
  netlink.request(stateRequest('NEWSA', state));
}

/** Changes lifetimes and encapsulation, and completes a state that waits for its key. ESRCH: there is no such state. */
export function updateXfrmState(netlink: Netlink<'xfrm'>, state: XfrmStateSpec): void {
  netlink.request(stateRequest('UPDSA', state));
}

/** The message alone, for batches. */
export function stateRequest(word: 'NEWSA' | 'UPDSA', state: XfrmStateSpec): NetlinkMessage {
  const op = `${word === 'NEWSA' ? 'create' : 'update'} xfrm state ${nameOf(state)}`;
  const body = encodeBody(usersaInfo, infoToWire(state), xfrmAttributes, attributesToWire(state));
  return { type: XFRM_MSG[word], protocol: 'xfrm', flags: NLM_F.CREATE | NLM_F.EXCL, body, op };
}

/** ESRCH: there is no such state. */
export function deleteXfrmState(netlink: Netlink<'xfrm'>, key: XfrmStateKey): void {
  netlink.request(keyRequest('DELSA', key));
}

/** undefined: there is no such state. */
export function getXfrmState(netlink: Netlink<'xfrm'>, key: XfrmStateKey): XfrmState | undefined {
  try {
    const [answer] = netlink.request(keyRequest('GETSA', key));
    return answer && decodeXfrmState(answer.body);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

export function listXfrmStates(netlink: Netlink<'xfrm'>): XfrmState[] {
  const answers = netlink.dump({
    type: XFRM_MSG.GETSA,
    protocol: 'xfrm',
    flags: 0,
    body: Buffer.alloc(0),
    op: 'list xfrm states',
  });
  return answers.map(({ body }) => decodeXfrmState(body));
}

/** Removes the states of one protocol, or of all. */
export function flushXfrmStates(netlink: Netlink<'xfrm'>, protocol: XfrmProtocol = 'any'): void {
  const number = protocol === 'any' ? IPSEC_PROTO_ANY : protocol;
  const body = encodeBody(usersaFlush, { protocol: number }, xfrmAttributes, {});
  try {
    netlink.request({ type: XFRM_MSG.FLUSHSA, protocol: 'xfrm', flags: 0, body, op: 'flush xfrm states' });
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

const IPSEC_PROTO_ANY = 255;

function keyRequest(word: 'DELSA' | 'GETSA', key: XfrmStateKey): NetlinkMessage {
  const { destination, spi, protocol, mark } = key;
  const fields = { destination: addressToWire(destination), spi, family: familyNumber(destination), protocol };
  const op = `${word === 'DELSA' ? 'delete' : 'get'} xfrm state ${nameOf(key)}`;
  return {
    type: XFRM_MSG[word],
    protocol: 'xfrm',
    flags: 0,
    body: encodeBody(usersaId, fields, xfrmAttributes, { mark }),
    op,
  };
}

function nameOf({ protocol, spi, destination }: XfrmStateKey): string {
  return `${protocol} spi 0x${spi.toString(16)} to ${destination}`;
}

const NOTHING = Buffer.alloc(16);
const ANYTHING = {
  ...{ source: NOTHING, destination: NOTHING, sourceLength: 0, destinationLength: 0, protocol: 0, link: 0, user: 0 },
  ...{ sourcePort: 0, sourcePortMask: 0, destinationPort: 0, destinationPortMask: 0, family: 0 },
};

/** The window that fits into xfrm_usersa_info; larger ones have an attribute. */
const SMALL_WINDOW = 32;

function infoToWire(state: XfrmStateSpec): InfoWire {
  const { source, destination, spi, protocol, mode, reqid = 0, replayWindow = 0, esn = false, selector } = state;
  if (familyOf(source) !== familyOf(destination)) throw encodeError(`a state from ${source} to ${destination}`);
  const flags = [
    ...(esn ? (['esn'] as const) : []),
    ...(state.noPathMtuDiscovery ? (['noPathMtuDiscovery'] as const) : []),
  ];
  return {
    selector: selector ? selectorToWire(selector) : ANYTHING,
    id: { destination: addressToWire(destination), spi, protocol },
    source: addressToWire(source),
    lifetime: lifetimeToWire(state.lifetime),
    current: { bytes: 0n, packets: 0n, addTime: 0n, useTime: 0n },
    stats: { replayWindow: 0, replay: 0, integrityFailed: 0 },
    sequence: 0,
    reqid,
    family: familyNumber(source),
    mode,
    replayWindow: esn || replayWindow > SMALL_WINDOW ? 0 : replayWindow,
    flags,
  };
}

function attributesToWire(state: XfrmStateSpec): XfrmWire {
  const { replayWindow = 0, esn = false, encapsulation, outputMark, offload } = state;
  const wide = esn || replayWindow > SMALL_WINDOW;
  return {
    encryption: state.encryption,
    compression: state.compression,
    encapsulation: encapsulation && { ...encapsulation, original: NOTHING },
    aead: state.aead,
    authentication: state.authentication,
    mark: state.mark,
    ...(wide && { replayEsn: { outSequence: 0n, inSequence: 0n, window: replayWindow } }),
    offload: offload && {
      link: offload.link,
      flags: (['inbound', 'packet'] as const).filter((flag) => offload[flag]),
    },
    setMark: outputMark?.value,
    setMarkMask: outputMark?.mask,
    interfaceId: state.interfaceId,
  };
}

/** The body of an XFRM_MSG_NEWSA. Throws DecodeError. */
export function decodeXfrmState(body: Buffer): XfrmState {
  const info = usersaInfo.read(body);
  const attributes = xfrmAttributes.read(attributesAfter(body, usersaInfo.size));
  const family = familyFromWire(info.family);
  const lifetime = lifetimeFromWire(info.lifetime);
  return {
    source: addressFromWire(info.source, family),
    destination: addressFromWire(info.id.destination, family),
    spi: info.id.spi,
    protocol: info.id.protocol,
    mode: info.mode,
    reqid: info.reqid,
    selector: selectorFromWire(info.selector, family),
    ...(Object.keys(lifetime).length > 0 && { lifetime }),
    ...flagsFromWire(info),
    ...attributesFromWire(attributes),
    replayWindow: attributes.replayEsn?.window ?? info.replayWindow,
    bytes: info.current.bytes,
    packets: info.current.packets,
  };
}

function flagsFromWire({ flags }: InfoWire): Pick<XfrmStateSpec, 'esn' | 'noPathMtuDiscovery'> {
  return {
    ...(flags.includes('esn') && { esn: true }),
    ...(flags.includes('noPathMtuDiscovery') && { noPathMtuDiscovery: true }),
  };
}

function attributesFromWire(wire: XfrmWire): Partial<XfrmStateSpec> {
  const { encryption, compression, aead, authentication, mark, interfaceId } = wire;
  return {
    ...(aead && { aead }),
    ...(encryption && { encryption }),
    ...(authentication && { authentication }),
    ...(compression && { compression }),
    ...(mark && { mark }),
    ...(interfaceId !== undefined && { interfaceId }),
    ...placeFromWire(wire),
  };
}

function placeFromWire({
  encapsulation,
  offload,
  setMark,
  setMarkMask = 0xffffffff,
}: XfrmWire): Partial<XfrmStateSpec> {
  const { type, sourcePort = 0, destinationPort = 0 } = encapsulation ?? {};
  return {
    ...(type === 'espinudp' && { encapsulation: { type, sourcePort, destinationPort } }),
    ...(setMark !== undefined && { outputMark: { value: setMark, mask: setMarkMask } }),
    ...(offload && {
      offload: {
        link: offload.link,
        inbound: offload.flags.includes('inbound'),
        packet: offload.flags.includes('packet'),
      },
    }),
  };
}
