import type { IpAddress, Prefix } from '@podwire/base';
import type { Net } from '@podwire/net';
import { hostRoute } from './apply.ts';
import type { Attachment } from './attachment.ts';
import { PODS_PROTOCOL, planWire } from './wire-plan.ts';

/** What of the host side is not as it was made; kernel state of the pod's side is the pod's own. */
export interface HostDrift {
  readonly missingRoutes: readonly Attachment[];
  readonly staleRoutes: ReturnType<Net['routes']>;
  readonly missingNeighbours: readonly Attachment[];
}

/** Compares the host side of all attachments with the kernel. */
export function observeDrift(net: Net, attachments: readonly Attachment[], source: IpAddress | undefined): HostDrift {
  const routes = net.routes({ protocol: PODS_PROTOCOL });
  const neighbours = net.neighbours();
  const routed = attachments.filter((a) => a.wiring === 'ptp');
  const isRouteOf = (route: (typeof routes)[number], a: Attachment) =>
    route.destination === `${a.address}/32` && route.link === a.hostLink;
  return {
    missingRoutes: routed.filter((a) => !routes.some((r) => isRouteOf(r, a) && r.source === source)),
    staleRoutes: routes.filter((r) => !routed.some((a) => isRouteOf(r, a))),
    missingNeighbours: attachments.filter(
      (a) => !neighbours.some((n) => n.address === a.address && n.mac === a.mac && n.state === 'permanent'),
    ),
  };
}

export function repairHost(net: Net, drift: HostDrift, podCidr: Prefix, source: IpAddress | undefined): string[] {
  const add = drift.missingRoutes.flatMap((a) => {
    const { route, link } = planWire(a, podCidr).host;
    return route ? [hostRoute(route, link, source)] : [];
  });
  const results = net.applyRoutes({ add, remove: drift.staleRoutes });
  for (const a of drift.missingNeighbours) {
    const link = planWire(a, podCidr).host.neighbourLink;
    net.replaceNeighbour({ link, address: a.address, mac: a.mac, state: 'permanent' });
  }
  return results.flatMap(({ route, error }) => (error ? [`route ${route.destination}: ${error.message}`] : []));
}
