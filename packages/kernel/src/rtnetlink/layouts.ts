import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import { addressAttributes, ifaddrmsg } from './address.ts';
import { linkAttributes } from './link.ts';
import { ifinfomsg } from './link-attributes.ts';
import { RTM } from './message-type.ts';
import { ndmsg, ndtmsg, neighbourAttributes, neighbourTableAttributes } from './neighbour.ts';
import { nextHopObjectAttributes, nhmsg } from './nexthop.ts';
import { netconfAttributes, nsidAttributes, rtgenmsg } from './nsid.ts';
import { routeAttributes, rtmsg } from './route.ts';
import { fibRuleHeader, ruleAttributes } from './rule.ts';

/** What stands in an rtnetlink message: its name, its fixed header and its attributes. */
export interface RtnetlinkLayout extends MessageLayout {
  readonly header: MessageLayout['header'] & { read(bytes: Buffer): object };
  readonly table: MessageLayout['table'] & { read(bytes: Buffer): object };
}

type Part = Omit<RtnetlinkLayout, 'name'>;

const link: Part = { header: ifinfomsg, table: linkAttributes };
const families: Readonly<Record<string, Part>> = {
  LINK: link,
  LINKPROP: link,
  ADDR: { header: ifaddrmsg, table: addressAttributes },
  ROUTE: { header: rtmsg, table: routeAttributes },
  NEIGH: { header: ndmsg, table: neighbourAttributes },
  RULE: { header: fibRuleHeader, table: ruleAttributes },
  NEIGHTBL: { header: ndtmsg, table: neighbourTableAttributes },
  NETCONF: { header: rtgenmsg, table: netconfAttributes },
  NSID: { header: rtgenmsg, table: nsidAttributes },
  NEXTHOP: { header: nhmsg, table: nextHopObjectAttributes },
};

/** Header and attributes by message type (RTM_*), for tools that read any message. Traffic control stands apart. */
export const rtnetlinkLayouts: Readonly<Record<number, RtnetlinkLayout>> = Object.fromEntries(
  Object.entries(RTM).flatMap(([word, type]) => {
    const part = families[word.slice(3)];
    return part ? [[type, { name: `RTM_${word}`, ...part }]] : [];
  }),
);

registerLayouts('route', rtnetlinkLayouts);
