import type { IpAddress } from '@podwire/base';
import { compareIp, hostPrefix, prefixContains } from '@podwire/base';
import type { Expression, NamedSet, Rule, SetElement, Statement, Table } from '@podwire/nft';
import type { Attachment } from './attachment.ts';
import { POD_LINK_PREFIX } from './attachment.ts';
import type { PodsModel } from './model.ts';
import { BRIDGE_LINK } from './wire-plan.ts';

/** The name of both tables, in families ip and bridge. */
export const PODS_TABLE = 'podwire-pods';
const RAW = -300;
const DESTINATION_NAT = -100;
const SOURCE_NAT = 100;

const iifname: Expression = { kind: 'meta', key: 'iifname' };
const oifname: Expression = { kind: 'meta', key: 'oifname' };
const etherSource: Expression = { kind: 'payload', field: 'ether saddr' };
const saddr: Expression = { kind: 'payload', field: 'ip saddr' };
const daddr: Expression = { kind: 'payload', field: 'ip daddr' };
const protocol: Expression = { kind: 'meta', key: 'l4proto' };
const dport: Expression = { kind: 'payload', field: 'th dport' };
const drop: Statement = { kind: 'verdict', verdict: { kind: 'drop' } };
const counter: Statement = { kind: 'counter' };
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });
const isIn = (key: Expression, set: string): Statement => ({ kind: 'lookup', key, set });
const isNotIn = (key: Expression, set: string): Statement => ({ kind: 'lookup', key, set, invert: true });
const is = (left: Expression, right: string | readonly string[]): Statement => ({
  kind: 'match',
  left,
  op: '==',
  right,
});
const isNot = (left: Expression, right: string | readonly string[]): Statement => ({
  kind: 'match',
  left,
  op: '!=',
  right,
});
/** Every ptp host end (in family ip) and every bridge port (in family bridge), also one without an element yet. */
const POD_LINKS = `${POD_LINK_PREFIX}*`;
const fromPodLink = is(iifname, POD_LINKS);
const LOOPBACK = '127.0.0.0/8';
const rule = (comment: string, ...statements: Statement[]): Rule => ({ statements, comment });

/** The nft tables of the room: always family ip; family bridge once a pod hangs on the bridge. */
export function planTables(model: PodsModel): Table[] {
  const ports = model.attachments.filter((a) => a.wiring === 'bridge');
  return ports.length > 0 ? [planIpTable(model), planBridgeTable(ports)] : [planIpTable(model)];
}

function planIpTable(model: PodsModel): Table {
  const routed = model.attachments.filter((a) => a.wiring === 'ptp');
  return {
    family: 'ip',
    name: PODS_TABLE,
    sets: [...sourceSets(routed), ...hostPortSets(model), ...masqueradeSets(model)],
    chains: [
      { name: 'anti-spoof', base: { type: 'filter', hook: 'prerouting', priority: RAW }, rules: antiSpoofRules() },
      { name: 'host-ports', rules: hostPortRules() },
      {
        name: 'prerouting',
        base: { type: 'nat', hook: 'prerouting', priority: DESTINATION_NAT },
        rules: [toHostPorts()],
      },
      { name: 'output', base: { type: 'nat', hook: 'output', priority: DESTINATION_NAT }, rules: [toHostPorts()] },
      {
        name: 'postrouting',
        base: { type: 'nat', hook: 'postrouting', priority: SOURCE_NAT },
        rules: sourceNatRules(model.address),
      },
    ],
  };
}

function antiSpoofRules(): Rule[] {
  const comment = 'loopback of the node is not for pods';
  return [
    rule(
      'own MAC and address only',
      fromPodLink,
      isNotIn(concat(iifname, etherSource, saddr), 'pod-sources'),
      counter,
      drop,
    ),
    rule(comment, fromPodLink, is(daddr, LOOPBACK), counter, drop),
    rule(comment, is(iifname, BRIDGE_LINK), is(daddr, LOOPBACK), counter, drop),
  ];
}

function hostPortRules(): Rule[] {
  const to = (map: string, key: Expression): Statement => ({
    kind: 'dnat',
    family: 'ip',
    to: { kind: 'map', key, map },
    withPort: true,
  });
  return [
    rule('hostPort with a hostIP', to('host-ports-on', concat(daddr, protocol, dport))),
    rule('hostPort on every address', to('host-ports-any', concat(protocol, dport))),
  ];
}

function toHostPorts(): Rule {
  const local: Expression = { kind: 'fib', flags: ['daddr'], result: 'type' };
  return rule('to an address of this node', is(local, 'local'), {
    kind: 'verdict',
    verdict: { kind: 'jump', chain: 'host-ports' },
  });
}

function sourceNatRules(node: IpAddress | undefined): Rule[] {
  const translated: Statement = { kind: 'match', left: { kind: 'ct', key: 'status' }, op: '==', right: ['dnat'] };
  const leave: Rule = rule(
    'pods leave the cluster with the address of the node',
    ...[isIn(saddr, 'own-pods'), isNotIn(daddr, 'no-masquerade')],
    { kind: 'masquerade', fullyRandom: true },
  );
  if (node === undefined) return [leave];
  const asNode: Statement = { kind: 'snat', family: 'ip', to: { kind: 'value', value: node } };
  const fromLoopback = is(saddr, LOOPBACK);
  const comment = 'localhost of the node to a host port';
  return [
    rule('a pod that calls itself by a host port', isIn(concat(saddr, daddr), 'hairpins'), translated, asNode),
    rule(comment, fromLoopback, is(oifname, POD_LINKS), translated, asNode),
    rule(comment, fromLoopback, is(oifname, BRIDGE_LINK), translated, asNode),
    leave,
  ];
}

function sourceSets(routed: readonly Attachment[]): NamedSet[] {
  const elements = routed.map((a) => ({ key: [a.hostLink, a.mac, a.address] }));
  return [{ name: 'pod-sources', key: ['ifname', 'ether_addr', 'ipv4_addr'], elements }];
}

function hostPortSets({ attachments }: PodsModel): NamedSet[] {
  const ports = attachments.flatMap((a) => a.hostPorts.map((port) => ({ ...port, address: a.address })));
  const element = ({ hostIp, protocol, hostPort, containerPort, address }: (typeof ports)[number]): SetElement => ({
    key: [...(hostIp === undefined ? [] : [hostIp]), protocol, hostPort],
    data: [address, containerPort],
  });
  const data = ['ipv4_addr', 'inet_service'] as const;
  const withPorts = attachments.filter((a) => a.hostPorts.length > 0);
  return [
    {
      ...{ name: 'host-ports-on', key: ['ipv4_addr', 'inet_proto', 'inet_service'], data },
      elements: ports.filter((p) => p.hostIp !== undefined).map(element),
    },
    {
      ...{ name: 'host-ports-any', key: ['inet_proto', 'inet_service'], data },
      elements: ports.filter((p) => p.hostIp === undefined).map(element),
    },
    {
      name: 'hairpins',
      key: ['ipv4_addr', 'ipv4_addr'],
      elements: withPorts.map((a) => ({ key: [a.address, a.address] })),
    },
  ];
}

function masqueradeSets({ podCidr, attachments, noMasquerade }: PodsModel): NamedSet[] {
  const strays = attachments
    .filter((a) => !podCidr || !prefixContains(podCidr, a.address))
    .map((a) => hostPrefix(a.address));
  const own = [...(podCidr === undefined ? [] : [podCidr]), ...strays].sort(compareIp);
  return [
    { name: 'own-pods', key: ['ipv4_addr'], interval: true, elements: own.map((p) => ({ key: [p] })) },
    { name: 'no-masquerade', key: ['ipv4_addr'], interval: true, elements: noMasquerade.map((p) => ({ key: [p] })) },
  ];
}

/** Frames of bridge ports: the IP layer sees them as cni0's, so the port has to be checked before. */
function planBridgeTable(ports: readonly Attachment[]): Table {
  const etherType: Expression = { kind: 'payload', field: 'ether type' };
  const arpAddress: Expression = { kind: 'payload', field: 'arp saddr ip' };
  const arpMac: Expression = { kind: 'payload', field: 'arp saddr ether' };

  return {
    family: 'bridge',
    name: PODS_TABLE,
    sets: [
      { name: 'port-macs', key: ['ifname', 'ether_addr'], elements: ports.map((a) => ({ key: [a.hostLink, a.mac] })) },
      {
        name: 'port-sources',
        key: ['ifname', 'ipv4_addr'],
        elements: ports.map((a) => ({ key: [a.hostLink, a.address] })),
      },
    ],
    chains: [
      {
        ...{ name: 'anti-spoof', base: { type: 'filter', hook: 'prerouting', priority: RAW } },
        rules: [
          rule('own MAC only', fromPodLink, isNotIn(concat(iifname, etherSource), 'port-macs'), counter, drop),
          rule('IPv4 and ARP only', fromPodLink, isNot(etherType, ['ip', 'arp']), counter, drop),
          rule(
            'own address only',
            fromPodLink,
            is(etherType, 'ip'),
            isNotIn(concat(iifname, saddr), 'port-sources'),
            counter,
            drop,
          ),
          rule(
            'own address in ARP',
            fromPodLink,
            is(etherType, 'arp'),
            isNotIn(concat(iifname, arpAddress), 'port-sources'),
            counter,
            drop,
          ),
          rule(
            'own MAC in ARP',
            fromPodLink,
            is(etherType, 'arp'),
            isNotIn(concat(iifname, arpMac), 'port-macs'),
            counter,
            drop,
          ),
        ],
      },
    ],
  };
}
