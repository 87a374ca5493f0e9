export { completeChecksum, internetChecksum, onesComplementSum, pseudoHeaderSum } from './checksum.ts';
export { segmentFrame } from './segmentation.ts';
export { openTun, type Tun, type TunOptions } from './tun.ts';
export type { TunOffload } from './tun-device.ts';
export type { TunEvents, TunQueue } from './tun-queue.ts';
export {
  decodeVirtioNetHeader,
  encodeVirtioNetHeader,
  VIRTIO_NET_HEADER_SIZE,
  type VirtioNetHeader,
} from './virtio-net-header.ts';
