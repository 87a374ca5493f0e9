import { recordEvent } from './event-recorder.ts';
import type { RoomContext } from './room.ts';

/** What a room found changed although it had changed nothing. */
export interface Repair {
  /** Begins the Event's reason, e.g. `Policy` for `PolicyRepaired`. */
  readonly room: 'Pods' | 'Policy' | 'Services';
  /** In the plural, e.g. `the rules of NetworkPolicies`. */
  readonly what: string;
  /** How many commands it took. */
  readonly commands: number;
}

/** Tells by log and by an Event of the Node that somebody else changed what the room had written. */
export function tellRepair({ client, nodeName, logger }: RoomContext, { room, what, commands }: Repair): void {
  logger.info('repaired what others changed', { room: room.toLowerCase(), what, commands });
  void recordEvent(client, {
    object: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    type: 'Warning',
    reason: `${room}Repaired`,
    message: `${what} were not as podwire had written them and were repaired; find out who else changes them`,
    component: `podwire-${room.toLowerCase()}`,
    host: nodeName,
  });
}
