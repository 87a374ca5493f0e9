import { readFileSync } from 'node:fs';
import type { Netns } from '../packages/kernel/src/index.ts';
import type { EndpointSlice } from '../packages/kube/src/index.ts';
import { diffTables, formatTable, type Table } from '../packages/nft/src/index.ts';
import { modelFromApi, plan } from '../packages/services/src/index.ts';
import { runInside } from './child.ts';
import { type ChangedService, changeAt, NODE, POD_CIDR, serviceObject, sliceObject } from './service-objects.ts';

const TICKS_PER_SECOND = 100;

function tableOf(services: readonly number[], slice: (service: number) => EndpointSlice): Table {
  const cidrs = { podCidrs: [POD_CIDR], serviceCidrs: ['10.96.0.0/12'] };
  const objects = { services: services.map(serviceObject), slices: services.map(slice) };
  const [table] = plan(modelFromApi({ ...objects, node: NODE, nodeName: 'node-1', ...cidrs })).tables;
  if (!table) throw new Error('nothing is planned');
  return table;
}

/** Text for nft that replaces the first endpoint of a service, or brings it back. */
function changeText({ service, replaced }: ChangedService): string {
  const before = tableOf([service], (one) => sliceObject(one, !replaced));
  const after = tableOf([service], (one) => sliceObject(one, replaced));
  return diffTables(before, after)
    .map((change) => `${change.text}\n`)
    .join('');
}

/** CPU time of the children that have ended, in microseconds; proc_pid_stat(5), cutime and cstime. */
function childrenCpu(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[13]) + Number(fields[14])) * 1e6) / TICKS_PER_SECOND;
}

/** Writes the same ruleset, a change at a time, with a process for each. */
export class TextPeer {
  readonly #netns: Netns;
  readonly #services: number;
  /** Changes made so far. */
  changed = 0;

  constructor(netns: Netns, services: number) {
    this.#netns = netns;
    this.#services = services;
    const all = Array.from({ length: services }, (_, i) => i);
    runInside(netns, 'nft', ['-f', '-'], formatTable(tableOf(all, (one) => sliceObject(one))));
  }

  /** So many changes; the CPU time of nft alone, in microseconds a change. */
  change(count: number): number {
    const texts = Array.from({ length: count }, () => changeText(changeAt(this.changed++, this.#services)));
    const before = childrenCpu();
    for (const text of texts) runInside(this.#netns, 'nft', ['-f', '-'], text);
    return (childrenCpu() - before) / count;
  }
}
