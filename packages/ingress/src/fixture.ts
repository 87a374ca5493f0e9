import type { IngressObjects } from './model.ts';

type Ingress = IngressObjects['ingresses'][number];
export const backendTo = (name: string, number = 80) => ({ service: { name, port: { number } } });

/** An Ingress for tests; `age` orders them, smaller is older. */
export function ingressOf(name: string, spec: NonNullable<Ingress['spec']>, age = 0): Ingress {
  return {
    metadata: { namespace: 'default', name, uid: name, creationTimestamp: new Date(age * 1000).toISOString() as never },
    spec,
  };
}

/** Services of one port 80 with the given endpoint addresses, all on port `target`. */
export function objectsOf(
  ingresses: readonly Ingress[],
  endpoints: Readonly<Record<string, readonly string[]>>,
  target = 8080,
): IngressObjects {
  const names = Object.keys(endpoints);
  return {
    ingresses,
    classes: [],
    secrets: [],
    services: names.map((name) => ({
      metadata: { namespace: 'default', name },
      spec: { ports: [{ name: 'http', port: 80 }] },
    })),
    slices: names.map((name) => ({
      metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: target }],
      endpoints: (endpoints[name] ?? []).map((address) => ({ addresses: [address], conditions: { ready: true } })),
    })),
  };
}
