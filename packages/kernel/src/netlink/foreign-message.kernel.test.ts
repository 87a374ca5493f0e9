import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { getLinkState } from '../genetlink/ethtool.ts';
import { openGenericFamily } from '../genetlink/generic-family.ts';
import { deleteQdisc, listQdiscs, qdiscRequest } from '../rtnetlink/tc-qdisc.ts';
import { destroySocket, listSockets } from '../sockdiag/inet-diag.ts';
import { withNetns } from '../testing.ts';
import { listXfrmPolicies } from '../xfrm/xfrm-policy.ts';
import { flushXfrmStates } from '../xfrm/xfrm-state.ts';
import { openNetlink } from './netlink.ts';

const end = { address: '127.0.0.1' as IpAddress, port: 80 };

test('a socket of another protocol is refused by type and by name, and nothing is sent', async () => {
  await withNetns(1, (netns) => {
    using route = openNetlink('route', netns);
    using generic = openNetlink('generic', netns);
    const refused = (fn: () => unknown, protocol: string) => {
      const message = new RegExp(
        `of the protocol (route|generic): it takes ${protocol}; open one with openNetlink\\('`,
      );
      assert.throws(fn, { code: 'KERNEL_ENCODE', message });
    };
    // @ts-expect-error its message type is RTM_NEWADDR
    refused(() => listSockets(route, { protocol: 'tcp' }), 'sock-diag');
    // @ts-expect-error its message type is RTM_DELADDR
    refused(() => destroySocket(route, { protocol: 'tcp', local: end, remote: end }), 'sock-diag');
    // @ts-expect-error its message type is RTM_NEWLINK
    refused(() => openGenericFamily(route, 'ethtool'), 'generic');
    // @ts-expect-error
    refused(() => getLinkState(route, 'lo'), 'generic');
    // @ts-expect-error
    refused(() => listXfrmPolicies(route), 'xfrm');
    // @ts-expect-error
    refused(() => flushXfrmStates(route), 'xfrm');
    // @ts-expect-error
    refused(() => listQdiscs(generic, 1), 'route');
    // @ts-expect-error
    refused(() => deleteQdisc(generic, { link: 1 }), 'route');
    const message = /"rout" as a netlink protocol; write route, sock-diag, /;
    assert.throws(() => openNetlink('rout' as 'route', netns), { code: 'KERNEL_ENCODE', message });
    // requests made for a batch know their protocol too
    const request = qdiscRequest('create', { link: 1, kind: 'pfifo' });
    refused(() => generic.batch([request]), 'route');
    assert.deepEqual(
      listQdiscs(route, 1).map(({ kind }) => kind),
      ['noqueue'],
    );
  });
});
