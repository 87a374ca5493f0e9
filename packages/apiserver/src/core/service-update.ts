import type { ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { isExternal, needsHealthCheck } from '../schema/service-validation.ts';

const hasAddress = ({ type }: ServiceSpec) => type !== 'ExternalName';
const hasNodePorts = ({ type }: ServiceSpec) => type === 'NodePort' || type === 'LoadBalancer';
const isBalanced = ({ type }: ServiceSpec) => type === 'LoadBalancer';
const same = (a: readonly unknown[] = [], b: readonly unknown[] = []) =>
  a.length === b.length && a.every((value, index) => value === b[index]);

/** An old client says clusterIP only. Changes `next`. */
export function completeNew(next: ServiceSpec): void {
  if (next.clusterIP && !next.clusterIPs?.length) next.clusterIPs = [next.clusterIP];
}

/**
 * What a changed Service does not say again, it keeps as long as its type still has it; what its new type has no use
 * for, and the change did not touch, goes. Changes `next`, which is shaped like a Service but not yet validated.
 */
export function completeUpdate(next: ServiceSpec, old: ServiceSpec): void {
  if (hasAddress(next) && hasAddress(old)) keepAddresses(next, old);
  pairAddresses(next, old);
  // Without node ports of its own it gets none back, so that taking them out of the ports releases them.
  const refusesPorts = isBalanced(next) && next.allocateLoadBalancerNodePorts === false;
  if (hasNodePorts(next) && hasNodePorts(old) && !refusesPorts) keepNodePorts(next.ports ?? [], old.ports ?? []);
  if (needsHealthCheck(next) && needsHealthCheck(old) && !next.healthCheckNodePort && old.healthCheckNodePort) {
    next.healthCheckNodePort = old.healthCheckNodePort;
  }
  dropUnused(next, old);
}

function keepAddresses(next: ServiceSpec, old: ServiceSpec): void {
  if (!next.clusterIP && old.clusterIP) next.clusterIP = old.clusterIP;
  if (!next.clusterIPs?.length && old.clusterIPs) next.clusterIPs = [...old.clusterIPs];
}

/** clusterIP follows clusterIPs and the other way round, whichever of them the client knows. */
function pairAddresses(next: ServiceSpec, old: ServiceSpec): void {
  const { clusterIP = '' } = next;
  if (clusterIP === (old.clusterIP ?? '')) {
    if (!next.clusterIPs?.length && old.clusterIPs?.length) next.clusterIPs = [...old.clusterIPs];
  } else if (same(next.clusterIPs, old.clusterIPs)) {
    if (clusterIP === '') delete next.clusterIPs;
    else next.clusterIPs = [clusterIP];
  }
}

/** By name, since port and protocol may be what changes. */
function keepNodePorts(next: ServicePort[], old: readonly ServicePort[]): void {
  const numbers = (ports: readonly ServicePort[]) => ports.map(({ nodePort }) => nodePort);
  const used = new Set(numbers(old).filter((number) => numbers(next).includes(number)));
  const byName = new Map(old.map(({ name = '', nodePort }) => [name, nodePort]));
  for (const port of next) {
    const before = byName.get(port.name ?? '');
    if (!port.nodePort && before && !used.has(before)) port.nodePort = before;
  }
}

function dropUnused(next: ServiceSpec, old: ServiceSpec): void {
  if (hasAddress(old) && !hasAddress(next)) dropAddresses(next, old);
  if (hasNodePorts(old) && !hasNodePorts(next)) {
    const before = new Set(old.ports?.map(({ nodePort }) => nodePort));
    const isOld = (next.ports ?? []).every(({ nodePort }) => !nodePort || before.has(nodePort));
    if (isOld) for (const port of next.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheck(old) && !needsHealthCheck(next)) dropIfSame(next, old, 'healthCheckNodePort');
  if (isBalanced(old) && !isBalanced(next)) {
    dropIfSame(next, old, 'allocateLoadBalancerNodePorts');
    dropIfSame(next, old, 'loadBalancerClass');
  }
  if (isExternal(old) && !isExternal(next)) dropIfSame(next, old, 'externalTrafficPolicy');
}

function dropAddresses(next: ServiceSpec, old: ServiceSpec): void {
  if ((next.clusterIP ?? '') === (old.clusterIP ?? '') && same(next.clusterIPs, old.clusterIPs)) {
    delete next.clusterIP;
    delete next.clusterIPs;
  }
  if (same(next.ipFamilies, old.ipFamilies)) delete next.ipFamilies;
  dropIfSame(next, old, 'ipFamilyPolicy');
}

function dropIfSame(next: ServiceSpec, old: ServiceSpec, field: keyof ServiceSpec): void {
  if (next[field] === old[field]) delete next[field];
}
