import assert from 'node:assert/strict';
import test from 'node:test';
import { netlinkPages } from './netlink-docs.ts';

const pages = netlinkPages();

test('there is a page a family, with every message and its nested attributes', () => {
  assert.match(pages.get('rtnetlink.md') ?? '', /\n`RTM_NEWLINK` \(16\).*`struct ifinfomsg` of 16 bytes/);
  assert.match(pages.get('rtnetlink.md') ?? '', /\| `IFLA_VXLAN_ID` \| 1 \| `info\.data<vxlan>\.vni` \| u32 \|/);
  assert.match(
    pages.get('nfnetlink.md') ?? '',
    /\| `NFTA_CMP_OP` \| 2 \| `expressions\[\]\.data<cmp>\.op` \| u32be: == \\\| /,
  );
});

test('every attribute that is not just an index has the name that the kernel gives it', () => {
  const nameless = [...pages.values()].flatMap((page) =>
    page.split('\n').filter((line) => /^\| `` \|/.test(line) && !/\.\d+`/.test(line)),
  );
  assert.deepEqual(nameless, []);
});
