import type { IpAddress, Prefix } from '@podwire/base';
import { hostPrefix, parseIp, parsePrefix, prefixParts } from '@podwire/base';
import { gatewayOf } from './address-pool.ts';
import type { Attachment } from './attachment.ts';
import { podMac } from './attachment.ts';

/** Routes made by this room carry this protocol number. */
export const PODS_PROTOCOL = 112;
export const BRIDGE_LINK = 'cni0';
/** The next hop of ptp pods: on no interface, known only by a permanent neighbour entry. */
const PTP_GATEWAY = parseIp('169.254.1.1');
const PTP_HOST_MAC = 'ee:ee:ee:ee:ee:ee';
const DEFAULT_ROUTE = parsePrefix('0.0.0.0/0');

export interface BridgePlan {
  readonly name: typeof BRIDGE_LINK;
  readonly mac: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** Both ends of one attachment, as data. */
export interface WirePlan {
  readonly pod: {
    readonly link: string;
    readonly mac: string;
    readonly mtu: number;
    /** Address and length as configured in the pod. */
    readonly address: string;
    readonly prefixLength: number;
    readonly gateway: IpAddress;
    readonly gatewayMac: string;
    readonly routes: readonly { readonly destination: Prefix; readonly via: IpAddress; readonly onlink: boolean }[];
  };
  readonly host: {
    readonly link: string;
    readonly mac: string;
    /** Set for bridge wiring: the port's bridge. */
    readonly bridge: BridgePlan | undefined;
    /** Where the permanent neighbour entry of the pod is. */
    readonly neighbourLink: string;
    /** ptp only. */
    readonly route: Prefix | undefined;
  };
}

/**
 * ptp: a routed /32 on each end, no ARP. bridge: a port of cni0, isolated, so that even packets between two pods of
 * one bridge pass the node's IP layer, where services and policy see them.
 */
export function planWire(attachment: Attachment, podCidr: Prefix): WirePlan {
  return attachment.wiring === 'ptp' ? planPtp(attachment) : planBridgePort(attachment, podCidr);
}

function planPtp({ address, ifName, mac, mtu, hostLink }: Attachment): WirePlan {
  return {
    pod: {
      ...{
        link: ifName,
        mac,
        mtu,
        address: hostPrefix(address),
        prefixLength: 32,
        gateway: PTP_GATEWAY,
        gatewayMac: PTP_HOST_MAC,
      },
      routes: [{ destination: DEFAULT_ROUTE, via: PTP_GATEWAY, onlink: true }],
    },
    host: { link: hostLink, mac: PTP_HOST_MAC, bridge: undefined, neighbourLink: hostLink, route: hostPrefix(address) },
  };
}

function planBridgePort({ address, ifName, mac, mtu, hostLink }: Attachment, podCidr: Prefix): WirePlan {
  const bridge = planBridge(podCidr);
  return {
    pod: {
      ...{ link: ifName, mac, mtu, address: `${address}/${bridge.prefixLength}`, prefixLength: bridge.prefixLength },
      ...{ gateway: bridge.address, gatewayMac: bridge.mac },
      routes: [{ destination: DEFAULT_ROUTE, via: bridge.address, onlink: false }],
    },
    host: { link: hostLink, mac: PTP_HOST_MAC, bridge, neighbourLink: BRIDGE_LINK, route: undefined },
  };
}

/** cni0 carries the first address of the podCIDR. */
export function planBridge(podCidr: Prefix): BridgePlan {
  const address = gatewayOf(podCidr);
  return { name: BRIDGE_LINK, mac: podMac(address), address, prefixLength: prefixParts(podCidr).length };
}
