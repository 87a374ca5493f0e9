import type { IpAddress } from '@podwire/base';
import type { AttributesOf } from '../netlink/attribute.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { encodeBody, NLM_F } from '../netlink/netlink-message.ts';
import { addressAttributes, ifaddrmsg } from '../rtnetlink/address.ts';
import { RTM } from '../rtnetlink/message-type.ts';
import { nextHopObjectAttributes, nhmsg } from '../rtnetlink/nexthop.ts';
import { routeAttributes, rtmsg } from '../rtnetlink/route.ts';
import { fibRuleHeader, ruleAttributes } from '../rtnetlink/rule.ts';
import type { Feature } from './feature.ts';
import { linkIndex } from './link-feature.ts';

const MAIN = 254;
const STATIC = 4;
const TABLE_ACTION = 'table';
const destination = '192.0.2.0' as IpAddress;
const near = '127.0.0.2' as IpAddress;

type RouteValues = AttributesOf<typeof routeAttributes.rows>;

/** Routing beyond one next hop and one table. The trials route over lo, which is up. */
export const ROUTE_FEATURES = {
  ipv6: { use: 'IPv6 and dual-stack clusters', trial: tryIpv6 },
  'policy-rules': { use: 'tables by mark, source or link', trial: () => tryRule('ipv4') },
  'policy-rules-ipv6': { use: 'tables by mark, source or link for IPv6', trial: () => tryRule('ipv6') },
  multipath: { use: 'routes with several next hops', trial: () => tryRoute({ multipath: twoHops() }, 'multipath') },
  'nexthop-objects': { use: 'next hops shared by routes', trial: tryNextHopObject },
  'route-encap-ip': {
    use: 'tunnels by route',
    trial: () => tryRoute({ outIndex: linkIndex('lo'), encapType: 'ip', encap: { id: 1n, destination } }, 'encap ip'),
  },
  'route-encap-mpls': {
    use: 'MPLS labels by route',
    trial: () =>
      tryRoute(
        { outIndex: linkIndex('lo'), encapType: 'mpls', encap: { labels: Buffer.from([0, 6, 65, 0]) } },
        'encap mpls',
      ),
  },
} as const satisfies Record<string, Feature>;

function twoHops() {
  const index = linkIndex('lo');
  return [
    { index, gateway: near },
    { index, gateway: '127.0.0.3' as IpAddress },
  ];
}

function request(type: number, body: Buffer, op: string): void {
  const netlink = openNetlink('route');
  try {
    netlink.request({ type, flags: NLM_F.CREATE | NLM_F.EXCL, body, op });
  } finally {
    netlink.close();
  }
}

function tryRoute(values: RouteValues, what: string): void {
  const header = {
    family: 'ipv4',
    destinationLength: 24,
    table: MAIN,
    protocol: STATIC,
    scope: 'global',
    type: 'unicast',
  } as const;
  request(
    RTM.NEWROUTE,
    encodeBody(rtmsg, header, routeAttributes, { destination, ...values }),
    `add a route with ${what}`,
  );
}

function tryRule(family: 'ipv4' | 'ipv6'): void {
  const header = { family, action: TABLE_ACTION } as const;
  const body = encodeBody(fibRuleHeader, header, ruleAttributes, {
    mark: 1,
    table: 1000,
    priority: 1000,
    protocol: STATIC,
  });
  request(RTM.NEWRULE, body, `add a policy rule for ${family}`);
}

function tryNextHopObject(): void {
  const values = { id: 1, outIndex: linkIndex('lo'), gateway: near };
  const body = encodeBody(nhmsg, { family: 'ipv4', protocol: STATIC }, nextHopObjectAttributes, values);
  request(RTM.NEWNEXTHOP, body, 'add a next hop object');
}

function tryIpv6(): void {
  const address = 'fd00::1' as IpAddress;
  const header = { family: 'ipv6', prefixLength: 128, index: linkIndex('lo') } as const;
  request(
    RTM.NEWADDR,
    encodeBody(ifaddrmsg, header, addressAttributes, { address, local: address }),
    'add an IPv6 address',
  );
}
