import { type RoomContext, recordEvent } from '@podwire/kube';
import type { ProxyMode } from './proxy.ts';

/** Nothing had changed here, so somebody else changed what the room had written. */
export function tellRepair({ client, nodeName, logger }: RoomContext, mode: ProxyMode, commands: number): void {
  logger.info('services repaired', { mode, commands });
  void recordEvent(client, {
    object: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    type: 'Warning',
    reason: 'ServicesRepaired',
    message: `the rules of mode ${mode} were not as podwire had written them and were repaired; find out who else changes them`,
    component: 'podwire-services',
    host: nodeName,
  });
}
