import type { PlanEntry } from '@podwire/kube';
import { formatTable } from '@podwire/nft';
import type { Attachment } from './attachment.ts';
import type { PodsModel } from './model.ts';
import { planTables } from './plan.ts';
import type { HostDrift } from './repair.ts';
import { planWire } from './wire-plan.ts';

/** The desired state with reasons: the wires by address, then the tables. */
export function describeWires(model: PodsModel): PlanEntry[] {
  const { podCidr } = model;
  const wires = podCidr === undefined ? [] : model.attachments.flatMap((a) => describeWire(a, podCidr));
  const tables = planTables(model).map((table) => ({
    what: formatTable(table).trimEnd(),
    why: 'masquerade, host ports and anti-spoofing',
  }));
  return [...wires, ...tables];
}

function describeWire(attachment: Attachment, podCidr: NonNullable<PodsModel['podCidr']>): PlanEntry[] {
  const { pod, host } = planWire(attachment, podCidr);
  const why = holderOf(attachment);
  const port = host.bridge ? ` master ${host.bridge.name} isolated` : '';
  return [
    { what: `link ${host.link} veth peer ${pod.link} mtu ${attachment.mtu}${port}`, why },
    { what: `address ${pod.address} dev ${pod.link} in the pod`, why },
    ...(host.route ? [{ what: `route ${host.route} dev ${host.link} proto 112`, why }] : []),
    { what: `neigh ${attachment.address} lladdr ${attachment.mac} dev ${host.neighbourLink}`, why },
  ];
}

function holderOf({ pod, containerId }: Attachment): string {
  return pod ? `Pod ${pod.namespace}/${pod.name}` : `container ${containerId}`;
}

export function describeDrift(drift: HostDrift): PlanEntry[] {
  return [
    ...drift.missingRoutes.map((a) => ({ what: `add route ${a.address}/32 dev ${a.hostLink}`, why: holderOf(a) })),
    ...drift.staleRoutes.map((r) => ({ what: `delete route ${r.destination}`, why: 'no attachment has it' })),
    ...drift.missingNeighbours.map((a) => ({ what: `add neigh ${a.address} lladdr ${a.mac}`, why: holderOf(a) })),
  ];
}
