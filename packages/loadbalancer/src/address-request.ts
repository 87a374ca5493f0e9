import { type IpAddress, tryParseIp } from '@podwire/base';
import type { Service } from '@podwire/kube';

/** Where a service may ask for its address, by precedence; all but the first are other products' names for it. */
const ANNOTATIONS = [
  'podwire.io/load-balancer-ips',
  'metallb.io/loadBalancerIPs',
  'metallb.universe.tf/loadBalancerIPs',
  'lbipam.cilium.io/ips',
  'kube-vip.io/loadbalancerIPs',
] as const;

export type AddressRequest =
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly address: IpAddress }
  | { readonly kind: 'unreadable'; readonly text: string };

/** The first address asked for; several are asked for by commas, of which the first counts. */
export function addressRequest(service: Service): AddressRequest {
  const annotations = service.metadata?.annotations ?? {};
  const asked = [...ANNOTATIONS.map((name) => annotations[name]), service.spec?.loadBalancerIP];
  const text = asked
    .find((value) => value?.trim())
    ?.split(',', 1)[0]
    ?.trim();
  if (!text) return { kind: 'any' };
  const address = tryParseIp(text);
  return address ? { kind: 'one', address } : { kind: 'unreadable', text };
}
