import type { KindName, KubeClient, ObjectOf } from '@podwire/kube';

/** The namespace the check makes and removes. */
export const CHECK_NAMESPACE = 'podwire-check';
/** The pod that must not be served. */
export const NEVER_READY = 'never-ready';
export const INGRESS_HOST = 'check.podwire.test';

const NETEXEC = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
const metadata = (name: string, labels: Record<string, string> = {}) => ({ name, namespace: CHECK_NAMESPACE, labels });

function pod(name: string, nodeName: string | undefined, labels: Record<string, string>): ObjectOf<'Pod'> {
  return {
    metadata: metadata(name, { app: name, ...labels }),
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'server',
          image: NETEXEC,
          args: ['netexec', '--http-port=8080', '--udp-port=8081'],
          ports: [
            { name: 'http', containerPort: 8080 },
            { name: 'udp', containerPort: 8081, protocol: 'UDP' },
          ],
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
        },
        { name: 'shell', image: 'busybox:1.36', command: ['sleep', '3600'] },
      ],
    },
  };
}

/** In the echo Service by its label, never by its readiness. */
function neverReady(nodeName: string | undefined): ObjectOf<'Pod'> {
  const { metadata: meta, spec } = pod(NEVER_READY, nodeName, { role: 'echo' });
  const [server, ...others] = spec?.containers ?? [];
  const readinessProbe = { tcpSocket: { port: 9 }, periodSeconds: 1 };
  return {
    metadata: meta ?? {},
    spec: { ...spec, containers: [{ name: 'server', ...server, readinessProbe }, ...others] },
  };
}

/** Left to the control plane: the scheduler has to spread it. */
function spread(replicas: number): ObjectOf<'Deployment'> {
  const labels = { app: 'spread' };
  const container = {
    name: 'server',
    image: NETEXEC,
    args: ['netexec', '--http-port=8080'],
    ports: [{ name: 'http', containerPort: 8080 }],
  };
  return {
    metadata: metadata('spread'),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
    },
  };
}

function service(
  name: string,
  app: string | undefined,
  spec: NonNullable<ObjectOf<'Service'>['spec']> = {},
): ObjectOf<'Service'> {
  return {
    metadata: metadata(name),
    spec: {
      selector: app === undefined ? { app: 'nothing-has-this-label' } : { role: app },
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'udp', port: 81, targetPort: 'udp', protocol: 'UDP' },
      ],
      ...spec,
    },
  };
}

/** One echo pod per node, one behind a policy and one that it shuts out, with every kind of Service in front. */
export function fixtureObjects(nodes: readonly string[]): readonly (readonly [KindName, ObjectOf<KindName>])[] {
  return [
    [
      'NetworkPolicy',
      {
        metadata: metadata('guard'),
        spec: {
          podSelector: { matchLabels: { app: 'guarded' } },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: { friend: 'yes' } } }],
              ports: [{ port: 'http' as unknown as string }],
            },
          ],
        },
      },
    ],
    ...nodes.map(
      (node, i) =>
        ['Pod', pod(`echo-${i + 1}`, node, { role: 'echo', ...(i === 0 ? { friend: 'yes' } : {}) })] as const,
    ),
    ['Pod', pod('guarded', nodes.at(-1), { role: 'guarded' })],
    ['Pod', pod('stranger', nodes[0], { role: 'stranger' })],
    ['Pod', neverReady(nodes[0])],
    ['Deployment', spread(nodes.length)],
    ['Service', service('echo', 'echo')],
    ['Service', service('sticky', 'echo', { sessionAffinity: 'ClientIP' })],
    ['Service', service('node-port', 'echo', { type: 'NodePort' })],
    ['Service', service('empty', undefined)],
    [
      'Ingress',
      {
        metadata: metadata('check'),
        spec: {
          ingressClassName: 'podwire',
          rules: [
            {
              host: INGRESS_HOST,
              http: {
                paths: [
                  {
                    path: '/hostname',
                    pathType: 'Prefix',
                    backend: { service: { name: 'echo', port: { name: 'http' } } },
                  },
                ],
              },
            },
          ],
        },
      },
    ],
  ];
}

export async function createFixture(client: KubeClient, nodes: readonly string[]): Promise<void> {
  await client.create('Namespace', { metadata: { name: CHECK_NAMESPACE } });
  for (const [kind, object] of fixtureObjects(nodes)) await client.create(kind, object);
}
