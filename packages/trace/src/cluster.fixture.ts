import fs from 'node:fs';
import type { IpAddress, Prefix } from '@podwire/base';
import { parseClusterConfig, parseManifests } from '@podwire/kube';
import { ClusterView, manifestCluster, type Site, sortManifests } from './index.ts';

/** Three nodes as a lab has them. */
export function siteOf(settings: Record<string, unknown> = {}): Site {
  return {
    cluster: parseClusterConfig({ upstreamResolvers: ['203.0.113.10'], ...settings }),
    nodes: [1, 2, 3].map((n) => ({ name: `node-${n}`, address: `172.30.0.${10 + n}` as IpAddress, zone: `zone-${n}` })),
    underlay: '172.30.0.0/24' as Prefix,
    outside: '203.0.113.0/24' as Prefix,
  };
}

export function readCluster(file: string, settings: Record<string, unknown> = {}): ClusterView {
  return clusterOf(fs.readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'), settings);
}

export function clusterOf(yaml: string, settings: Record<string, unknown> = {}): ClusterView {
  const objects = parseManifests(yaml, 'fixture').map(({ object }) => object);
  const site = siteOf(settings);
  return new ClusterView(manifestCluster(sortManifests(objects), site), site);
}
