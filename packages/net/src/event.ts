import { type Netns, watchNetlinkGroups } from '@podwire/kernel';

/** RTNLGRP_* of linux/rtnetlink.h, both address families. */
const GROUPS = {
  link: [1],
  neighbour: [3],
  address: [5, 9],
  route: [7, 11],
} as const;
export type NetTopic = keyof typeof GROUPS;

export interface NetWatchOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  readonly topics: readonly NetTopic[];
  /** Something changed, or events were lost: observe anew. Called at most once per turn of the event loop. */
  readonly onChange: () => void;
}

/** Tells of changes that anybody makes in the namespace. Returns what stops it; it keeps the event loop alive. */
export function watchNet({ netns, topics, onChange }: NetWatchOptions): { stop(): void } {
  const groups = topics.flatMap((topic) => GROUPS[topic]);
  return watchNetlinkGroups({ protocol: 'route', netns, groups, onChange });
}
