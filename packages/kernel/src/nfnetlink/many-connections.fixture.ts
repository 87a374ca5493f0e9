import type { IpAddress } from '@podwire/base';
import type { ConnectionSpec } from './conntrack-entry.ts';

const ip = (address: string) => address as IpAddress;

/** UDP flows of as many clients to one server. */
export function manyConnections(count: number): ConnectionSpec[] {
  const destination = ip('10.96.0.10');
  return Array.from({ length: count }, (_, i) => {
    const source = ip(`10.0.${i >> 8}.${i & 255}`);
    return { protocol: 'udp', original: { source, destination, sourcePort: 9, destinationPort: 53 }, timeout: 600 };
  });
}
