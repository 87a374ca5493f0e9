import { type Family, type Prefix, prefixOf } from '@podwire/base';
import { attributesAfter, encodeBody } from '@podwire/kernel';
import { fibRuleHeader, RTM, type RULE_ACTIONS, ruleAttributes } from '@podwire/kernel/rtnetlink';
import { badValue, defined, dumpBodies, encodeFor, prefixFor, type RouteSocket, wordOf } from './rtnetlink.ts';

export interface Range {
  /** Both ends belong to it. */
  readonly start: number;
  readonly end: number;
}

/** Which routing table packets are looked up in; ip-rule(8). Every condition that is given has to hold. */
export interface Rule {
  /** Lower ones come first; the kernel's own are 0 (local), 32766 (main) and 32767 (default). */
  readonly priority: number;
  /** Default ipv4, or the one of `from` and `to`. */
  readonly family?: Family;
  readonly from?: Prefix;
  readonly to?: Prefix;
  /** The link a packet came in by (`lo`: it is from here), and the one a socket is bound to. */
  readonly inLink?: string;
  readonly outLink?: string;
  readonly mark?: number;
  /** Bits of the mark that count; default all. */
  readonly markMask?: number;
  /** Users a packet is from. */
  readonly uidRange?: Range;
  /** IP protocol number: 6 TCP, 17 UDP. */
  readonly ipProtocol?: number;
  readonly sourcePorts?: Range;
  readonly destinationPorts?: Range;
  readonly tos?: number;
  readonly tunnelId?: bigint;
  /** The conditions must not hold. */
  readonly invert?: boolean;
  /** Default table. */
  readonly action?: RuleAction;
  /** The table looked up, for action `table`, 1 and up; default 254, main. */
  readonly table?: number;
  /** Look up the table of the VRF the packet belongs to, instead of `table`. */
  readonly l3mdev?: boolean;
  /** The priority to go on with, for action `goto`. */
  readonly goto?: number;
  /** Routes with a prefix of this length or a shorter one do not count: 0 passes over default routes. */
  readonly suppressPrefixLength?: number;
  /** Nor do routes by links of this group. */
  readonly suppressGroup?: number;
  /** Realms, source in the high half; for accounting. */
  readonly flow?: number;
  /** Who made it (FRA_PROTOCOL); default 3, boot. */
  readonly protocol?: number;
}

export type RuleAction = Exclude<keyof typeof RULE_ACTIONS, 'unspec'>;

const DEFAULT_PROTOCOL = 3;
const MAIN_TABLE = 254;
const ALL_BITS = 0xffffffff;

export const ruleText = (rule: Rule): string => `rule ${rule.priority}`;

/** The rule with the defaults filled in, so that equal rules are equal data. What is 0 or everything is no condition. */
export function normalizeRule(rule: Rule): Rule {
  const { action = 'table', protocol = DEFAULT_PROTOCOL, mark, markMask, l3mdev, invert } = rule;
  const lookup = action === 'table' && !l3mdev;
  return defined({
    ...rule,
    family: familyFor(rule),
    from: conditionOf(rule.from),
    to: conditionOf(rule.to),
    markMask: markMask ?? (mark === undefined ? undefined : ALL_BITS),
    mark: mark ?? (markMask === undefined ? undefined : 0),
    ipProtocol: rule.ipProtocol || undefined,
    tunnelId: rule.tunnelId || undefined,
    flow: rule.flow || undefined,
    table: lookup ? (rule.table ?? MAIN_TABLE) : undefined,
    l3mdev: l3mdev || undefined,
    invert: invert || undefined,
    tos: rule.tos || undefined,
    action,
    protocol,
  }) as Rule;
}

function conditionOf(prefix: Prefix | undefined): Prefix | undefined {
  return prefix === '0.0.0.0/0' || prefix === '::/0' ? undefined : prefix;
}

function familyFor({ family, from, to }: Rule): Family {
  return family ?? ((from ?? to)?.includes(':') ? 'ipv6' : 'ipv4');
}

export function encodeRule(given: Rule): Buffer {
  const object = ruleText(given);
  const rule = normalizeRule(given);
  const { family = 'ipv4', action = 'table', table, tos = 0, invert } = rule;
  const [from, to] = [rule.from, rule.to].map((prefix) =>
    prefix === undefined ? undefined : prefixFor(object, prefix),
  );
  for (const prefix of [from, to])
    if (prefix && prefix.family !== family) throw badValue(object, `${prefix.address} in a rule of ${family}`);
  // the kernel would choose a table
  if (table === 0) throw badValue(object, 'tables begin with 1');
  if (action === 'goto' && rule.goto === undefined) throw badValue(object, 'where does it go to? say "goto"');
  const header = {
    family,
    destinationLength: to?.length ?? 0,
    sourceLength: from?.length ?? 0,
    tos,
    table: table !== undefined && table < 256 ? table : 0,
    action,
    flags: invert ? (['invert'] as const) : [],
  };
  const { priority, inLink, outLink, goto, mark, markMask, flow, tunnelId, uidRange } = rule;
  const { suppressGroup, suppressPrefixLength, l3mdev, protocol, ipProtocol, sourcePorts, destinationPorts } = rule;
  const links = { inLink, outLink };
  const lookup = { goto, table, suppressGroup, suppressPrefixLength, l3mdev };
  const match = { mark, markMask, flow, tunnelId, uidRange, ipProtocol, sourcePorts, destinationPorts };
  const addresses = { from: from?.address, to: to?.address };
  const values = { priority, protocol, ...links, ...lookup, ...match, ...addresses };
  return encodeFor(object, () => encodeBody(fibRuleHeader, header, ruleAttributes, values));
}

/** Reads one RTM_NEWRULE or RTM_DELRULE message; undefined for families other than IP. */
export function decodeRule(body: Buffer): Rule | undefined {
  const header = fibRuleHeader.read(body);
  const { family, sourceLength, destinationLength, flags } = header;
  const a = ruleAttributes.read(attributesAfter(body, fibRuleHeader.size));
  const action = wordOf(header.action);
  if ((family !== 'ipv4' && family !== 'ipv6') || action === undefined) return undefined;
  const limit = family === 'ipv4' ? 32 : 128;
  if (sourceLength > limit || destinationLength > limit) return undefined;
  const lookup = action === 'table' && !a.l3mdev;
  const { inLink, outLink, mark, flow, tunnelId, uidRange, ipProtocol, sourcePorts, destinationPorts } = a;
  const count = (n: number | undefined) => (n === undefined || n < 0 ? undefined : n);
  return defined({
    priority: a.priority ?? 0,
    family,
    from: a.from && prefixOf(a.from, sourceLength),
    to: a.to && prefixOf(a.to, destinationLength),
    ...{ inLink, outLink, mark, flow: flow || undefined, tunnelId, ipProtocol, sourcePorts, destinationPorts },
    markMask: a.markMask,
    uidRange,
    tos: header.tos || undefined,
    invert: flags.includes('invert') || undefined,
    action,
    table: lookup ? (a.table ?? header.table) : undefined,
    l3mdev: a.l3mdev || undefined,
    goto: action === 'goto' ? a.goto : undefined,
    suppressPrefixLength: count(a.suppressPrefixLength),
    suppressGroup: count(a.suppressGroup),
    protocol: a.protocol ?? 0,
  }) as Rule;
}

export interface RuleFilter {
  readonly protocol?: number;
  readonly family?: Family;
}

/** The rules of both families or one, in the order they are asked. */
export function readRules(socket: RouteSocket, { protocol, family }: RuleFilter = {}): Rule[] {
  const families: Family[] = family === undefined ? ['ipv4', 'ipv6'] : [family];
  const all = families.flatMap((one) => {
    const body = encodeBody(fibRuleHeader, { family: one }, ruleAttributes, {});
    const bodies = dumpBodies(socket, { type: RTM.GETRULE, flags: 0, body, op: 'list rules' });
    return bodies.flatMap((answer) => decodeRule(answer) ?? []);
  });
  return protocol === undefined ? all : all.filter((rule) => rule.protocol === protocol);
}
