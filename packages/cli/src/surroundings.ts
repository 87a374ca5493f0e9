import type { KubeClient } from '@podwire/kube';
import type { Surroundings } from '@podwire/lab';

export async function surroundingsOf(client: KubeClient): Promise<Surroundings> {
  const [nodes, events] = await Promise.all([
    client.list('Node'),
    client.list('Event', { fieldSelector: 'type=Warning' }),
  ]);
  return { nodes: nodes.items, events: events.items };
}
