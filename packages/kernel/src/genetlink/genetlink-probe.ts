import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { getLinkFeatures } from './ethtool.ts';
import { openGenericFamily } from './generic-family.ts';
import { listIpvsServices } from './ipvs.ts';

function withGeneric(trial: (netlink: Netlink<'generic'>) => void): void {
  const netlink = openNetlink('generic');
  try {
    trial(netlink);
  } finally {
    netlink.close();
  }
}

/** Generic netlink families by being used; each needs a netns that is thrown away and throws KernelError. */
export const GENETLINK_PROBES = {
  ipvs: () => withGeneric((netlink) => listIpvsServices(netlink)),
  'wireguard-netlink': () => withGeneric((netlink) => openGenericFamily(netlink, 'wireguard')),
  ethtool: () => withGeneric((netlink) => getLinkFeatures(netlink, 'lo')),
} as const satisfies Record<string, () => void>;
