import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { ipFamilyOf } from './address-range.ts';
import { newObject } from './lifecycle.ts';

const KIND = kindNamed('IPAddress');
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
const MANAGED_LABEL = 'ipaddress.kubernetes.io/managed-by';
const MANAGER = 'ipallocator.k8s.io';

/** The object that says a Service has the address; its name is the address in canonical form. */
export function newIpAddress(address: string, service: ApiObject): ApiObject {
  const bare = { apiVersion: KIND.apiVersion, kind: KIND.kind, metadata: { name: address } };
  return newObject(KIND, ipAddressOf(bare, service), undefined);
}

/** The same object, as it has to be when the Service has the address. */
export function ipAddressOf(object: ApiObject, service: ApiObject): ApiObject {
  const { metadata } = object;
  const own = { [FAMILY_LABEL]: ipFamilyOf(metadata.name ?? ''), [MANAGED_LABEL]: MANAGER };
  const { namespace, name } = service.metadata;
  const spec = { parentRef: { resource: 'services', namespace, name } };
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...own } }, spec };
}

/** Whether it was made for a Service: others are somebody's own reservations. */
export function isForService({ metadata: { labels } }: ApiObject): boolean {
  return labels?.[MANAGED_LABEL] === MANAGER;
}

export function hasRightLabels(ipAddress: ApiObject): boolean {
  return (
    isForService(ipAddress) && ipAddress.metadata.labels?.[FAMILY_LABEL] === ipFamilyOf(ipAddress.metadata.name ?? '')
  );
}

/** Store key of the Service it belongs to; undefined when its parent is something else. */
export function serviceKeyOf({ spec }: ApiObject): string | undefined {
  const { group, resource, namespace, name } =
    (spec as { parentRef?: Record<string, string> } | undefined)?.parentRef ?? {};
  return !group && resource === 'services' ? `${namespace}/${name}` : undefined;
}
