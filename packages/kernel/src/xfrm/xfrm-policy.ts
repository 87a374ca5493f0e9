import type { IpAddress } from '@podwire/base';
import { isErrno } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { ValueOf } from '../netlink/codec.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody, type NetlinkMessage, NLM_F } from '../netlink/netlink-message.ts';
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
import type { XfrmMark, XfrmMode, XfrmProtocol } from './xfrm-state.ts';
import { userpolicyId, userpolicyInfo, XFRM_MSG, xfrmAttributes, type xfrmDirection } from './xfrm-table.ts';

/** Security policies: which packets must be sealed, and how; ip-xfrm(8). Every function wants a socket of the protocol `xfrm`. */

export type XfrmDirection = ValueOf<typeof xfrmDirection>;

/** The state that a packet has to go through. */
export interface XfrmTemplate {
  /** Ends of the tunnel; of no meaning in transport mode. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: XfrmProtocol;
  readonly mode: XfrmMode;
  readonly reqid?: number;
  readonly spi?: number;
  /** Packets may arrive without it. */
  readonly optional?: boolean;
}

export interface XfrmPolicyKey {
  readonly selector: XfrmSelector;
  readonly direction: XfrmDirection;
  readonly mark?: XfrmMark;
  readonly interfaceId?: number;
}

export interface XfrmPolicySpec extends XfrmPolicyKey {
  /** Default `allow`; packets also have to fit the templates. */
  readonly action?: 'allow' | 'block' | number;
  /** Lower ones come first. */
  readonly priority?: number;
  /** Inside out: the first seals first. */
  readonly templates?: readonly XfrmTemplate[];
  readonly lifetime?: XfrmLifetime;
}

export interface XfrmPolicy extends XfrmPolicySpec {
  readonly action: 'allow' | 'block' | number;
  readonly priority: number;
  readonly templates: readonly XfrmTemplate[];
  readonly index: number;
}

type PolicyWire = ValueOf<typeof userpolicyInfo>;
type TemplateWire = NonNullable<AttributesOf<typeof xfrmAttributes.rows>['templates']>[number];

/** EEXIST: there is a policy of this selector, direction, mark and interface. */
export function createXfrmPolicy(netlink: Netlink<'xfrm'>, policy: XfrmPolicySpec): void {
  netlink.request(policyRequest('NEWPOLICY', policy));
}

/** Adds the policy, or takes the place of the one that is there. */
export function replaceXfrmPolicy(netlink: Netlink<'xfrm'>, policy: XfrmPolicySpec): void {
  netlink.request(policyRequest('UPDPOLICY', policy));
}

/** The message alone, for batches. */
export function policyRequest(word: 'NEWPOLICY' | 'UPDPOLICY', policy: XfrmPolicySpec): NetlinkMessage {
  const { mark, interfaceId, templates = [] } = policy;
  const attributes = { mark, interfaceId, ...(templates.length > 0 && { templates: templates.map(templateToWire) }) };
  const body = encodeBody(userpolicyInfo, policyToWire(policy), xfrmAttributes, attributes);
  const op = `${word === 'NEWPOLICY' ? 'create' : 'replace'} xfrm policy ${nameOf(policy)}`;
  return { type: XFRM_MSG[word], protocol: 'xfrm', flags: NLM_F.CREATE | NLM_F.EXCL, body, op };
}

/** ENOENT: there is no such policy. */
export function deleteXfrmPolicy(netlink: Netlink<'xfrm'>, key: XfrmPolicyKey): void {
  netlink.request(keyRequest('DELPOLICY', key));
}

/** undefined: there is no such policy. */
export function getXfrmPolicy(netlink: Netlink<'xfrm'>, key: XfrmPolicyKey): XfrmPolicy | undefined {
  try {
    const [answer] = netlink.request(keyRequest('GETPOLICY', key));
    return answer && decodeXfrmPolicy(answer.body);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The policies of a netns, but not those that belong to single sockets. */
export function listXfrmPolicies(netlink: Netlink<'xfrm'>): XfrmPolicy[] {
  const answers = netlink.dump({
    type: XFRM_MSG.GETPOLICY,
    protocol: 'xfrm',
    flags: 0,
    body: Buffer.alloc(0),
    op: 'list xfrm policies',
  });
  // directions beyond `forward` are those of sockets (XFRM_POLICY_MAX)
  return answers.map(({ body }) => decodeXfrmPolicy(body)).filter(({ direction }) => typeof direction === 'string');
}

/** Removes all policies. */
export function flushXfrmPolicies(netlink: Netlink<'xfrm'>): void {
  try {
    netlink.request({
      type: XFRM_MSG.FLUSHPOLICY,
      protocol: 'xfrm',
      flags: 0,
      body: Buffer.alloc(0),
      op: 'flush xfrm policies',
    });
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

function keyRequest(word: 'DELPOLICY' | 'GETPOLICY', key: XfrmPolicyKey): NetlinkMessage {
  const { selector, direction, mark, interfaceId } = key;
  const fields = { selector: selectorToWire(selector), index: 0, direction };
  const op = `${word === 'DELPOLICY' ? 'delete' : 'get'} xfrm policy ${nameOf(key)}`;
  const body = encodeBody(userpolicyId, fields, xfrmAttributes, { mark, interfaceId });
  return { type: XFRM_MSG[word], protocol: 'xfrm', flags: 0, body, op };
}

function nameOf({ direction, selector }: XfrmPolicyKey): string {
  return `${direction} from ${selector.source} to ${selector.destination}`;
}

function policyToWire({ selector, lifetime, priority = 0, direction, action = 'allow' }: XfrmPolicySpec): PolicyWire {
  return {
    selector: selectorToWire(selector),
    lifetime: lifetimeToWire(lifetime),
    current: { bytes: 0n, packets: 0n, addTime: 0n, useTime: 0n },
    priority,
    index: 0,
    direction,
    action,
    flags: 0,
    share: 0,
  };
}

/** Any algorithm: the state says which. */
const ALL = 0xffffffff;

function templateToWire(template: XfrmTemplate): TemplateWire {
  const { source, destination, protocol, mode, reqid = 0, spi = 0, optional = false } = template;
  return {
    id: { destination: addressToWire(destination), spi, protocol },
    family: familyNumber(source),
    source: addressToWire(source),
    reqid,
    mode,
    share: 0,
    optional: optional ? 1 : 0,
    authenticationAlgorithms: ALL,
    encryptionAlgorithms: ALL,
    compressionAlgorithms: ALL,
  };
}

/** The body of an XFRM_MSG_NEWPOLICY. Throws DecodeError. */
export function decodeXfrmPolicy(body: Buffer): XfrmPolicy {
  const wire = userpolicyInfo.read(body);
  const { mark, interfaceId, templates = [] } = xfrmAttributes.read(attributesAfter(body, userpolicyInfo.size));
  const lifetime = lifetimeFromWire(wire.lifetime);
  const selector = selectorFromWire(wire.selector);
  return {
    selector,
    direction: wire.direction,
    action: wire.action,
    priority: wire.priority,
    templates: templates.map(templateFromWire),
    index: wire.index,
    ...(Object.keys(lifetime).length > 0 && { lifetime }),
    ...(mark && { mark }),
    ...(interfaceId !== undefined && { interfaceId }),
  };
}

function templateFromWire({ id, family, source, reqid, mode, optional }: TemplateWire): XfrmTemplate {
  const known = familyFromWire(family);
  return {
    source: addressFromWire(source, known),
    destination: addressFromWire(id.destination, known),
    protocol: id.protocol,
    mode,
    reqid,
    ...(id.spi !== 0 && { spi: id.spi }),
    ...(optional !== 0 && { optional: true }),
  };
}
