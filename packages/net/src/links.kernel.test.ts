import test from 'node:test';
import { PROBES, type ProbeName, probe } from '@podwire/kernel/probe';
import { assertLink, COMMON_LINKS, withBase } from './links.fixture.ts';

const isProbe = (name: string): name is ProbeName => PROBES.includes(name as ProbeName);

for (const one of COMMON_LINKS) {
  // a macvtap is a macvlan with a device file
  const feature = one.spec.kind.replace('macvtap', 'macvlan');
  const absent = isProbe(feature) && probe(feature).outcome !== 'yes';
  test(`${one.spec.kind}: ip link add ${one.by}`, { skip: absent && `probe ${feature}` }, async () => {
    await withBase((net, netns) => assertLink(net, netns, one));
  });
}
