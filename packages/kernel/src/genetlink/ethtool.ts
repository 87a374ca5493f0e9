import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { ETHTOOL_MSG, featureAttributes, linkStateAttributes, ringAttributes } from './ethtool-table.ts';
import { openGenericFamily } from './generic-family.ts';

/** What ethtool(8) asks and sets, by generic netlink (Linux 5.6). Every function wants a socket of the protocol `generic`. */

export interface LinkFeature {
  readonly active: boolean;
  /** What was asked for last; the driver may want otherwise. */
  readonly wanted: boolean;
  /** Nobody can change it. */
  readonly fixed: boolean;
}

type FeatureWire = AttributesOf<typeof featureAttributes.rows>;
type Bitset = FeatureWire['active'];

/** The features of a link by the kernel's names (`tx-checksum-ip-generic`, `rx-gro`), which are those of `ethtool -k` only in part. */
export function getLinkFeatures(netlink: Netlink<'generic'>, name: string): Map<string, LinkFeature> {
  const op = `get the features of link ${name}`;
  const request = { command: ETHTOOL_MSG.FEATURES_GET, table: featureAttributes, values: { header: { name } }, op };
  const [answer = {}] = openGenericFamily(netlink, 'ethtool').request(request);
  return featuresFromWire(answer);
}

export function featuresFromWire({ hardware, wanted, active, fixed }: FeatureWire): Map<string, LinkFeature> {
  const [isWanted, isActive, isFixed] = [wanted, active, fixed].map(namesIn);
  const all = new Set([hardware, wanted, active, fixed].flatMap((set) => set?.bits ?? []).map((bit) => bit.name ?? ''));
  const changeable = namesIn(hardware);
  return new Map(
    [...all].sort().map((name) => [
      name,
      {
        active: isActive?.has(name) ?? false,
        wanted: isWanted?.has(name) ?? false,
        fixed: (isFixed?.has(name) ?? false) || !changeable.has(name),
      },
    ]),
  );
}

/** The bits that are set: without a mask those that are listed, with one those that have a value. */
function namesIn(set: Bitset): Set<string> {
  const bits = (set?.bits ?? []).filter((bit) => set?.noMask || bit.value);
  return new Set(bits.map((bit) => bit.name ?? ''));
}

/**
 * Turns features on and off; those that are not named stay. Returns the names of those that are not as asked for, because the
 * driver would not or another feature stands against it. EINVAL: no such feature.
 */
export function setLinkFeatures(
  netlink: Netlink<'generic'>,
  name: string,
  features: Readonly<Record<string, boolean>>,
): string[] {
  const bits = Object.entries(features).map(([feature, on]) =>
    on ? { name: feature, value: true as const } : { name: feature },
  );
  const op = `set the features of link ${name}`;
  const values = { header: { name }, wanted: { bits } };
  const request = { command: ETHTOOL_MSG.FEATURES_SET, table: featureAttributes, values, op };
  const [answer] = openGenericFamily(netlink, 'ethtool').request(request);
  return (answer?.wanted?.bits ?? []).flatMap((bit) => (bit.name === undefined ? [] : [bit.name]));
}

/** Whether the link has a carrier. */
export function getLinkState(netlink: Netlink<'generic'>, name: string): boolean {
  const op = `get the state of link ${name}`;
  const request = { command: ETHTOOL_MSG.LINKSTATE_GET, table: linkStateAttributes, values: { header: { name } }, op };
  const [answer] = openGenericFamily(netlink, 'ethtool').request(request);
  return answer?.link === 1;
}

/** How many packets the rings of the link's hardware hold. */
export interface LinkRings {
  readonly rx: number;
  readonly tx: number;
  readonly maxRx: number;
  readonly maxTx: number;
}

/** EOPNOTSUPP: the link has no rings. */
export function getLinkRings(netlink: Netlink<'generic'>, name: string): LinkRings {
  const op = `get the rings of link ${name}`;
  const request = { command: ETHTOOL_MSG.RINGS_GET, table: ringAttributes, values: { header: { name } }, op };
  const [{ rx = 0, tx = 0, maxRx = 0, maxTx = 0 } = {}] = openGenericFamily(netlink, 'ethtool').request(request);
  return { rx, tx, maxRx, maxTx };
}

export function setLinkRings(
  netlink: Netlink<'generic'>,
  name: string,
  { rx, tx }: Partial<Pick<LinkRings, 'rx' | 'tx'>>,
): void {
  const op = `set the rings of link ${name}`;
  const values = { header: { name }, rx, tx };
  openGenericFamily(netlink, 'ethtool').request({ command: ETHTOOL_MSG.RINGS_SET, table: ringAttributes, values, op });
}
