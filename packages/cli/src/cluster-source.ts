import { readFileSync } from 'node:fs';
import { createKubeClient, parseYaml } from '@podwire/kube';
import { type LabConfig, labPaths, parseLabConfig } from '@podwire/lab';
import { type ClusterObjects, ClusterView, manifestCluster, sortManifests } from '@podwire/trace';
import { requireLab } from './control-client.ts';
import { labInput, type ShapeOptions } from './lab-input.ts';
import { readManifests } from './manifests.ts';
import { becomeRoot } from './root.ts';

export interface SourceOptions extends ShapeOptions {
  readonly filename: readonly string[];
}

/** The cluster as planned: of manifests alone, without root and lab, or else of the objects of the running lab. */
export async function clusterOf(options: SourceOptions): Promise<ClusterView> {
  return options.filename.length > 0 ? offline(options) : await live(options);
}

function offline(options: SourceOptions): ClusterView {
  const config = parseLabConfig(labInput(options));
  const objects = sortManifests(readManifests(options.filename).map(({ object }) => object));
  return new ClusterView(manifestCluster(objects, config), config);
}

/** What the lab was made of; another proxy mode may be asked for. */
async function live({ name, proxyMode }: SourceOptions): Promise<ClusterView> {
  becomeRoot();
  requireLab(name);
  const { apiSocket, configFile } = labPaths(name);
  const input = parseYaml(readFileSync(configFile, 'utf8'), configFile) as { readonly cluster?: object };
  const cluster = { ...input.cluster, ...(proxyMode === undefined ? {} : { proxyMode }) };
  const config: LabConfig = parseLabConfig({ ...input, cluster });
  return new ClusterView(await readObjects(apiSocket), config);
}

async function readObjects(socketPath: string): Promise<ClusterObjects> {
  const client = createKubeClient({ socketPath });
  try {
    const [pods, services, imports, slices, nodes, namespaces, policies] = await Promise.all([
      client.list('Pod'),
      client.list('Service'),
      client.list('ServiceImport'),
      client.list('EndpointSlice'),
      client.list('Node'),
      client.list('Namespace'),
      client.list('NetworkPolicy'),
    ]);
    return {
      pods: pods.items,
      services: services.items,
      imports: imports.items,
      slices: slices.items,
      nodes: nodes.items,
      namespaces: namespaces.items,
      policies: policies.items,
    };
  } finally {
    client.close();
  }
}
