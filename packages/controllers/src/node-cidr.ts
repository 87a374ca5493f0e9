import { nthAddress, type Prefix, prefixesOverlap, prefixParts, prefixSize, tryParsePrefix } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, forEach, nameOf, visible } from './context.ts';
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
  const give = async ({ metadata }: ObjectOf<'Node'>): Promise<void> => {
    const taken = nodes.list().flatMap(takenBy);
    const podCIDRs = config.podCidrs.map((cidr) => nextNodeCidr(cidr, taken));
    if (podCIDRs.includes(undefined)) {
      const { podCidrs } = config;
      logger.error('the pod CIDR has no range left for a node', { node: metadata?.name, podCidrs });
      return;
    }
    const patch = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    await visible(nodes, await client.patch('Node', { name: metadata?.name ?? '' }, patch));
  };
  const reconcile = async (): Promise<undefined> => {
    const open = nodes.list().filter((node) => !node.spec?.podCIDR);
    await forEach(open, give);
  };
  const queue = startReconciler({ name: 'node-cidr', logger, reconcile });
  const end = nodes.subscribe(
    ({ type, object }) => type !== 'deleted' && !object.spec?.podCIDR && nameOf(object) && queue.add('nodes'),
  );
  return { stop: () => [end(), queue.shutDown()] };
}

function takenBy({ spec }: ObjectOf<'Node'>): Prefix[] {
  return (spec?.podCIDRs ?? []).flatMap((text) => tryParsePrefix(text) ?? []);
}
