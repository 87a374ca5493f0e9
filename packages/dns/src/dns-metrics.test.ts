import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dnsMetrics } from './dns-metrics.ts';

test('what the server counts has the names of CoreDNS', () => {
  const responder = {
    requests: { udp: 3, tcp: 1 },
    replies: new Map([
      [3, 2],
      [4000, 1],
    ]),
  };
  const lines = dnsMetrics({ responder, forwarder: { cache: { size: 5, hits: 6, misses: 7 } } }).flatMap((family) =>
    family.samples().map(({ labels, value }) => `${family.name} ${JSON.stringify(labels)} ${value}`),
  );
  assert.deepEqual(lines, [
    'coredns_dns_requests_total {"proto":"udp"} 3',
    'coredns_dns_requests_total {"proto":"tcp"} 1',
    'coredns_dns_responses_total {"rcode":"NXDOMAIN"} 2',
    'coredns_dns_responses_total {"rcode":"4000"} 1',
    'coredns_cache_entries {} 5',
    'coredns_cache_hits_total {} 6',
    'coredns_cache_misses_total {} 7',
  ]);
});
