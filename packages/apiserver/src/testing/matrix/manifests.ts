/** A manifest of a Deployment with one container `c`. */
export function deployment(name: string, { image = 'i:1', replicas = 1, ...spec }: Record<string, unknown> = {}) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
      ...spec,
    },
  };
}

export function configMap(name: string, data: Record<string, string>, metadata: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

export function listOf(...items: object[]) {
  return { apiVersion: 'v1', kind: 'List', items };
}
