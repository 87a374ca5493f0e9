import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { lacking } from '../probe/lacking.fixture.ts';
import { listExpectations } from './conntrack-expectation.ts';
import { inNamespace, withConntrackWorld } from './conntrack-world.fixture.ts';

const skip = lacking('conntrack', 'conntrack-events');

test('expectations are listed with the connection they belong to', { skip }, () =>
  withConntrackWorld(async ({ near, netlink, run, tcp }) => {
    inNamespace(
      near,
      'nft -f -',
      `table inet e {
        ct expectation later { protocol tcp; dport 5432; timeout 1h; size 12; l3proto ip; }
        chain o { type filter hook output priority 1; tcp dport 80 ct expectation set "later"; }
      }`,
    );
    await tcp('10.9.0.2', 80);
    const [expectation, ...others] = listExpectations(netlink);
    assert.ok(expectation && others.length >= 0);
    assert.match(run('conntrack -L expect'), /dport=5432 /);
    assert.partialDeepStrictEqual(expectation, {
      ...{ family: 'ipv4', protocol: 'tcp', tuple: { destinationPort: 5432 }, mask: { destinationPort: 65_535 } },
      master: { protocol: 'tcp', destination: '10.9.0.2' as IpAddress, destinationPort: 80 },
    });
    assert.ok((expectation.timeout ?? 0) > 0);
  }),
);
