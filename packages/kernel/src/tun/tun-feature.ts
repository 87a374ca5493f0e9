import type { Feature } from '../probe/feature.ts';
import { openTun, type TunOptions } from './tun.ts';

/** What tun and tap links can do; that they are there at all is the feature `tun`. */
export const TUN_FEATURES = {
  tap: { use: 'Ethernet frames for programs', trial: () => tryTun({ mode: 'tap' }) },
  'tun-offload': {
    use: 'udp backend: TCP in frames of 64 KiB',
    trial: () => tryTun({ offloads: ['tso4', 'tso6', 'ecn'] }),
  },
  'tun-uso': { use: 'udp backend: UDP in frames of 64 KiB', trial: () => tryTun({ offloads: ['uso'] }) },
  'tun-multiqueue': { use: 'udp backend: a queue for each core', trial: () => tryTun({ queues: 2 }) },
} as const satisfies Record<string, Feature>;

function tryTun(options: TunOptions): void {
  openTun(options).close();
}
