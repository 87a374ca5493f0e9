import { parsePrefix } from '@podwire/base';
import { createZone, ZoneFeed } from './feed.ts';
import type { Zone } from './zone.ts';

/** How many endpoints the headless Service `wide` has. */
export const WIDE = 200;

/** Services `web`, `wide` (headless) and `out` (an ExternalName outside of the zone). */
export function smallZone(): Zone {
  const zone = createZone({
    domain: 'cluster.local',
    prefixes: ['10.96.0.0/12', '10.244.0.0/16'].map(parsePrefix),
    serial: 1,
  });
  const feed = new ZoneFeed(zone);
  const metadata = (name: string) => ({ name, namespace: 'default' });
  feed.setService(
    { metadata: metadata('web'), spec: { clusterIPs: ['10.96.1.1'], ports: [{ name: 'http', port: 80 }] } },
    true,
  );
  feed.setService({ metadata: metadata('wide'), spec: { clusterIP: 'None' } }, true);
  feed.setService({ metadata: metadata('out'), spec: { type: 'ExternalName', externalName: 'www.example.com' } }, true);
  const addresses = Array.from({ length: WIDE }, (_, i) => `10.244.1.${i + 1}`);
  const labels = { 'kubernetes.io/service-name': 'wide' };
  feed.setSlice(
    {
      metadata: { ...metadata('wide-1'), labels },
      addressType: 'IPv4',
      endpoints: addresses.map((a) => ({ addresses: [a] })),
    },
    true,
  );
  zone.ready = true;
  return zone;
}
