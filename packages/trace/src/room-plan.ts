import { describeFabric } from '@podwire/fabric';
import type { ClusterConfig, PlanEntry } from '@podwire/kube';
import { plan as planPolicy } from '@podwire/policy';
import { planMode } from '@podwire/services';
import type { NodeView } from './node-view.ts';

/** What one room of a node should have. */
export interface RoomPlan {
  readonly room: string;
  readonly entries: readonly PlanEntry[];
  /** What cannot be had of what is asked. */
  readonly problems: readonly string[];
}

type Planner = (view: NodeView, config: ClusterConfig) => Promise<Omit<RoomPlan, 'room'>>;

const PLANNERS: Readonly<Record<string, Planner>> = {
  fabric: async ({ fabric }) => ({ entries: fabric ? describeFabric(fabric) : [], problems: [] }),
  policy: async ({ policy }) => ({ entries: planPolicy(policy).entries, problems: [] }),
  services: ({ services }, { proxyMode }) => planMode(proxyMode, services),
};

/** The rooms whose plans follow from API objects alone. */
export const PLANNED_ROOMS: readonly string[] = Object.keys(PLANNERS);

/** Of one of these rooms, or of all. */
export function planRooms(view: NodeView, config: ClusterConfig, room?: string): Promise<RoomPlan[]> {
  const chosen = Object.entries(PLANNERS).filter(([name]) => room === undefined || name === room);
  return Promise.all(chosen.map(async ([name, planner]) => ({ room: name, ...(await planner(view, config)) })));
}
