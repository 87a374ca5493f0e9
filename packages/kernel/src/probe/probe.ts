import { messageOf } from '@podwire/base';
import { choose } from '../choice.ts';
import { checkCall } from '../errors.ts';
import { CLONE, libc } from '../libc.ts';
import { raiseLoopback } from '../netns/loopback.ts';
import { excursion } from '../netns/netns.ts';
import { SOCKET_FEATURES } from '../socket/socket-feature.ts';
import { TUN_FEATURES } from '../tun/tun-feature.ts';
import { BPF_FEATURES } from './bpf-feature.ts';
import type { Feature } from './feature.ts';
import { HOST_FEATURES } from './host-feature.ts';
import { LINK_FEATURES } from './link-feature.ts';
import { FAMILY_FEATURES, TC_FEATURES } from './netlink-feature.ts';
import { NFT_FEATURES } from './nft-feature.ts';
import { outcomeOf } from './outcome.ts';
import { ROUTE_FEATURES } from './route-feature.ts';

export interface ProbeResult {
  /** Unknown: what was tried failed for reasons that say nothing of the kernel: no permission, no memory, a lost answer. */
  readonly outcome: 'yes' | 'no' | 'unknown';
  /** Why not, in the kernel's words. */
  readonly reason?: string;
}

/** Every feature that can be asked for, by the part of the kernel it belongs to. */
export const FEATURE_GROUPS = {
  host: HOST_FEATURES,
  link: LINK_FEATURES,
  route: ROUTE_FEATURES,
  socket: SOCKET_FEATURES,
  tun: TUN_FEATURES,
  'traffic control': TC_FEATURES,
  families: FAMILY_FEATURES,
  nftables: NFT_FEATURES,
  bpf: BPF_FEATURES,
} as const;

type Groups = typeof FEATURE_GROUPS;
export type ProbeName = { [G in keyof Groups]: keyof Groups[G] & string }[keyof Groups];

const FEATURES = Object.assign({}, ...Object.values(FEATURE_GROUPS)) as Readonly<Record<ProbeName, Feature>>;
/** Every feature that can be asked for. */
export const PROBES = Object.keys(FEATURES) as readonly ProbeName[];

const known = new Map<ProbeName, ProbeResult>();

/**
 * Whether the kernel has a feature, found out by using it in a network namespace made for that; a yes or no is kept for
 * the life of this thread. Module names and version numbers are never asked: they lie on built-in and back-ported code.
 * Throws KERNEL_ENCODE for a name that is none.
 */
export function probe(name: ProbeName): ProbeResult {
  const result = known.get(name) ?? runTrial(choose(FEATURES, name, 'a probe').trial);
  if (result.outcome !== 'unknown') known.set(name, result);
  return result;
}

function runTrial(trial: () => void): ProbeResult {
  try {
    excursion(() => {
      checkCall(libc.unshare(CLONE.NEWNET), () => 'unshare a network namespace');
      raiseLoopback();
      trial();
    });
    return { outcome: 'yes' };
  } catch (error) {
    return { outcome: outcomeOf(error), reason: messageOf(error) };
  }
}
