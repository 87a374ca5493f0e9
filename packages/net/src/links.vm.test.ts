import test from 'node:test';
import { assertLink, COMMON_LINKS, RARE_LINKS, withBase } from './links.fixture.ts';

for (const one of [...COMMON_LINKS, ...RARE_LINKS])
  test(`${one.spec.kind}: ip link add ${one.by}`, async () => {
    await withBase((net, netns) => assertLink(net, netns, one));
  });
