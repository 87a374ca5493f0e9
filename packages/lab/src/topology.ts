import { type IpAddress, nthAddress, type Prefix, prefixParts } from '@podwire/base';
import type { LabConfig } from './lab-config.ts';

/**
 * The lab's wires, as data:
 *
 *    outside 203.0.113.10 ──── .1 router 172.30.0.1 ═══ br0 ═╤═ eth0 node-1 172.30.0.11
 *    (web server, DNS)            │ API server :6443         ├═ eth0 node-2 172.30.0.12
 *                                 │ (switch and gateway)     └═ eth0 node-3 172.30.0.13
 *
 * The router has no route to pods or Services: only nodes can be reached from outside.
 */
export interface Topology {
  readonly namespaces: readonly Namespace[];
  readonly cables: readonly (readonly [End, End])[];
}

export interface Namespace {
  /** `router`, `outside` or the node's name. */
  readonly role: string;
  readonly forwarding: boolean;
  readonly bridges: readonly string[];
  readonly addresses: readonly { readonly link: string; readonly address: IpAddress; readonly prefixLength: number }[];
  readonly routes: readonly { readonly destination: Prefix; readonly via: IpAddress }[];
}

export interface End {
  readonly role: string;
  readonly link: string;
  readonly master?: string;
}

export const netnsName = (lab: string, role: string): string => `pw-${lab}-${role}`;
export const routerAddress = (config: LabConfig): IpAddress => nthAddress(config.underlay, 1);
export const outsideAddress = (config: LabConfig): IpAddress => nthAddress(config.outside, 10);

export function planTopology(config: LabConfig): Topology {
  const everything = '0.0.0.0/0' as Prefix;
  const underlayLength = prefixParts(config.underlay).length;
  const outsideLength = prefixParts(config.outside).length;
  const outsideGateway = nthAddress(config.outside, 1);
  const router: Namespace = {
    role: 'router',
    forwarding: true,
    bridges: ['br0'],
    addresses: [
      { link: 'br0', address: routerAddress(config), prefixLength: underlayLength },
      { link: 'outside0', address: outsideGateway, prefixLength: outsideLength },
    ],
    routes: [],
  };
  const outside: Namespace = {
    role: 'outside',
    forwarding: false,
    bridges: [],
    addresses: [{ link: 'eth0', address: outsideAddress(config), prefixLength: outsideLength }],
    routes: [{ destination: config.underlay, via: outsideGateway }],
  };
  const nodes = config.nodes.map(
    ({ name, address }): Namespace => ({
      role: name,
      forwarding: true,
      bridges: [],
      addresses: [{ link: 'eth0', address, prefixLength: underlayLength }],
      routes: [{ destination: everything, via: routerAddress(config) }],
    }),
  );
  return {
    namespaces: [router, outside, ...nodes],
    cables: [
      [
        { role: 'router', link: 'outside0' },
        { role: 'outside', link: 'eth0' },
      ],
      ...config.nodes.map(({ name }): [End, End] => [
        { role: 'router', link: name, master: 'br0' },
        { role: name, link: 'eth0' },
      ]),
    ],
  };
}
