import type { MetricFamily, Sample } from '@podwire/base';
import type { Forwarder } from './forwarder.ts';
import { RCODE_NAMES } from './numbers.ts';
import type { Responder } from './responder.ts';

/** What the server counts; a part that is absent has counted nothing. */
export interface DnsCounts {
  readonly responder?: Pick<Responder, 'requests' | 'replies'> | undefined;
  readonly forwarder?: { readonly cache: Pick<Forwarder['cache'], 'size' | 'hits' | 'misses'> } | undefined;
}

/** Metrics of CoreDNS, under its names and with those of its labels that are told apart here. */
export function dnsMetrics({ responder, forwarder }: DnsCounts): readonly MetricFamily[] {
  const { requests = { udp: 0, tcp: 0 }, replies = new Map<number, number>() } = responder ?? {};
  const { size = 0, hits = 0, misses = 0 } = forwarder?.cache ?? {};
  return [
    family('dns_requests_total', 'counter', 'Queries that were answered.', [
      { labels: { proto: 'udp' }, value: requests.udp },
      { labels: { proto: 'tcp' }, value: requests.tcp },
    ]),
    family(
      'dns_responses_total',
      'counter',
      'Answers, by rcode.',
      [...replies].map(([rcode, value]) => ({ labels: { rcode: RCODE_NAMES[rcode] ?? String(rcode) }, value })),
    ),
    family('cache_entries', 'gauge', 'Answers of upstreams that are kept.', [{ labels: {}, value: size }]),
    family('cache_hits_total', 'counter', 'Queries answered from the cache.', [{ labels: {}, value: hits }]),
    family('cache_misses_total', 'counter', 'Queries that were not.', [{ labels: {}, value: misses }]),
  ];
}

const family = (name: string, type: MetricFamily['type'], help: string, samples: readonly Sample[]): MetricFamily => ({
  ...{ name: `coredns_${name}`, type, help },
  samples: () => samples,
});
