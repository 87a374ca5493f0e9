import { type ObjectOf, quantityValue } from '@podwire/kube';

type Pod = ObjectOf<'Pod'>;
type Container = NonNullable<Pod['spec']>['containers'][number];
export type Amounts = ReadonlyMap<string, number>;

/** What a node must have free for a pod: all its containers at once, or more for an init container before them. Or the limits. */
export function requestsOf({ spec }: Pod, part: 'requests' | 'limits' = 'requests'): Amounts {
  let running = new Map<string, number>();
  let highest = new Map<string, number>();
  for (const container of spec?.initContainers ?? []) {
    const own = amounts(container.resources?.[part]);
    const now = sum(running, own);
    // A sidecar stays.
    if ((container as Container & { restartPolicy?: string }).restartPolicy === 'Always') running = now;
    highest = greater(highest, now);
  }
  for (const container of spec?.containers ?? []) running = sum(running, amounts(container.resources?.[part]));
  return sum(greater(highest, running), amounts(spec?.overhead));
}

export function amounts(quantities: Readonly<Record<string, string>> = {}): Map<string, number> {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, quantityValue(String(text)) || 0]));
}

export function sum(a: Amounts, b: Amounts): Map<string, number> {
  const all = new Map(a);
  for (const [name, amount] of b) all.set(name, (all.get(name) ?? 0) + amount);
  return all;
}

function greater(a: Amounts, b: Amounts): Map<string, number> {
  const all = new Map(a);
  for (const [name, amount] of b) all.set(name, Math.max(all.get(name) ?? 0, amount));
  return all;
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** Ports of the node that a pod takes. */
export function hostPortsOf({ spec }: Pod): HostPort[] {
  return (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort }] : [],
    ),
  );
}

export function portsCollide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || [a.ip, b.ip].includes('0.0.0.0'));
}
