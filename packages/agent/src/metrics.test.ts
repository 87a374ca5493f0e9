import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '@podwire/base';
import { agentMetrics } from './metrics.ts';
import { formatMetrics } from './metrics-text.ts';

test('rooms become samples, words do not, and labels cannot break out', () => {
  const rooms = [
    { room: 'services', ready: true, errors: [], facts: { mode: 'nftables', slots: 4 } },
    { room: 'dns', ready: false, errors: ['port 53 is taken'], facts: {} },
  ];
  const facts = { version: '1.2.3', nodeName: 'a"b\\c\nd', readable: false, residentMemory: 1000, cpuSeconds: 0.5 };
  const lines = formatMetrics(agentMetrics(rooms, facts))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, [
    'podwire_build_info{version="1.2.3",node="a\\"b\\\\c\\nd"} 1',
    'podwire_api_server_readable 0',
    'podwire_room_ready{room="services"} 1',
    'podwire_room_ready{room="dns"} 0',
    'podwire_room_errors{room="services"} 0',
    'podwire_room_errors{room="dns"} 1',
    'podwire_room_fact{room="services",fact="slots"} 4',
    'process_resident_memory_bytes 1000',
    'process_cpu_seconds_total 0.5',
  ]);
});

test('a histogram has its buckets, sum and count', () => {
  const histogram = new Histogram([0.5]);
  histogram.observe(2);
  const family = { name: 'wait_seconds', type: 'histogram', help: 'How long.' } as const;
  assert.equal(
    formatMetrics([{ ...family, samples: () => histogram.samples('wait_seconds') }]),
    [
      '# HELP wait_seconds How long.',
      '# TYPE wait_seconds histogram',
      'wait_seconds_bucket{le="0.5"} 0',
      'wait_seconds_bucket{le="+Inf"} 1',
      'wait_seconds_sum 2',
      'wait_seconds_count 1\n',
    ].join('\n'),
  );
});
