import type { IpAddress, Prefix } from '@podwire/base';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { createXfrmPolicy } from './xfrm-policy.ts';
import { createXfrmState } from './xfrm-state.ts';

function withXfrm(trial: (netlink: Netlink<'xfrm'>) => void): void {
  const netlink = openNetlink('xfrm');
  try {
    trial(netlink);
  } finally {
    netlink.close();
  }
}

const [source, destination] = ['192.0.2.1' as IpAddress, '192.0.2.2' as IpAddress];
const selector = { source: '192.0.2.1/32' as Prefix, destination: '192.0.2.2/32' as Prefix };

function tryEsp(): void {
  const aead = { name: 'rfc4106(gcm(aes))', key: Buffer.alloc(20, 1), icvBits: 128 };
  withXfrm((netlink) =>
    createXfrmState(netlink, { source, destination, spi: 256, protocol: 'esp', mode: 'tunnel', aead }),
  );
}

/** IPsec by being used; each needs a netns that is thrown away and throws KernelError. */
export const XFRM_PROBES = {
  xfrm: () => withXfrm((netlink) => createXfrmPolicy(netlink, { selector, direction: 'out' })),
  'xfrm-esp': tryEsp,
} as const satisfies Record<string, () => void>;
