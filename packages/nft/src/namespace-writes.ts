import { currentNetns, type Netns } from '@podwire/kernel';

/** How often this thread has written to nf_tables of one network namespace, whatever socket it used. */
export interface NamespaceWrites {
  readonly inode: bigint;
  count: number;
  /** Children that write for this thread at present. */
  children: number;
}

/** The kernel gives inodes of namespaces anew, so there are no more of these than there were namespaces at one time. */
const namespaces = new Map<bigint, NamespaceWrites>();

/** Of the namespace; without one, of that of the calling thread. */
export function namespaceWrites(netns: Netns | undefined): NamespaceWrites {
  const inode = netns?.inode ?? inodeHere();
  const writes = namespaces.get(inode) ?? { inode, count: 0, children: 0 };
  namespaces.set(inode, writes);
  return writes;
}

function inodeHere(): bigint {
  const here = currentNetns();
  try {
    return here.inode;
  } finally {
    here.close();
  }
}
