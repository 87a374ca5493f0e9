import { nthAddress, type Prefix, prefixesOverlap, prefixParts, prefixSize, tryParsePrefix } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, forEach, visible } from './context.ts';
import { remarksOn } from './event.ts';
import { startReconciler } from './reconciler.ts';

const NODE_LENGTH = { ipv4: 24, ipv6: 64 } as const;

/** The first free /24 (or /64) of the pod CIDR, or undefined when all are taken. */
export function nextNodeCidr(podCidr: Prefix, taken: readonly Prefix[]): Prefix | undefined {
  const { family, length } = prefixParts(podCidr);
  const nodeLength = Math.max(length, NODE_LENGTH[family]);
  const step = 1n << BigInt((family === 'ipv4' ? 32 : 128) - nodeLength);
  for (let at = 0n; at < prefixSize(podCidr); at += step) {
    const candidate = `${nthAddress(podCidr, at)}/${nodeLength}` as Prefix;
    if (!taken.some((prefix) => prefixesOverlap(prefix, candidate))) return candidate;
  }
  return undefined;
}

/** Gives every Node its podCIDRs, one per family; one at a time, so that no two get the same. */
export function startNodeCidrs({ client, informers, config, logger }: ControllerContext): Controller {
  const nodes = informers.of('Node');
  const remark = remarksOn(client, 'Node', 'cidrAllocator');
  /** Uids of nodes that were told that there is no range left: their kubelets report every few seconds. */
  const told = new Set<string>();
  const give = async (node: ObjectOf<'Node'>): Promise<void> => {
    const { name = '', uid = '' } = node.metadata ?? {};
    const taken = nodes.list().flatMap(takenBy);
    const podCIDRs = config.podCidrs.map((cidr) => nextNodeCidr(cidr, taken));
    if (podCIDRs.includes(undefined)) {
      const { podCidrs } = config;
      if (told.has(uid)) return;
      told.add(uid);
      logger.error('the pod CIDR has no range left for a node', { node: name, podCidrs });
      const message = `Node ${name} status is now: CIDRNotAvailable`;
      remark(node, { type: 'Normal', reason: 'CIDRNotAvailable', message });
      return;
    }
    const patch = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    await visible(nodes, await client.patch('Node', { name }, patch));
  };
  const reconcile = async (): Promise<undefined> => {
    const open = nodes.list().filter((node) => !node.spec?.podCIDR);
    await forEach(open, give);
  };
  const queue = startReconciler({ name: 'node-cidr', logger, reconcile });
  const end = nodes.subscribe(({ type, object }) => {
    // The range of one that is gone may be for another that got none.
    if (type === 'deleted') told.delete(object.metadata?.uid ?? '');
    if (type === 'deleted' || !object.spec?.podCIDR) queue.add('nodes');
  });
  return { stop: () => [end(), queue.shutDown()] };
}

function takenBy({ spec }: ObjectOf<'Node'>): Prefix[] {
  return (spec?.podCIDRs ?? []).flatMap((text) => tryParsePrefix(text) ?? []);
}
