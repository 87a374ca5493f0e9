import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMetrics } from './metrics.ts';

test('rooms become samples, words do not, and labels cannot break out', () => {
  const rooms = [
    { room: 'services', ready: true, errors: [], facts: { mode: 'nftables', slots: 4 } },
    { room: 'dns', ready: false, errors: ['port 53 is taken'], facts: {} },
  ];
  const facts = { version: '1.2.3', nodeName: 'a"b\\c\nd', residentMemory: 1000, cpuSeconds: 0.5 };
  const lines = formatMetrics(rooms, facts)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, [
    'podwire_build_info{version="1.2.3",node="a\\"b\\\\c\\nd"} 1',
    'podwire_room_ready{room="services"} 1',
    'podwire_room_ready{room="dns"} 0',
    'podwire_room_errors{room="services"} 0',
    'podwire_room_errors{room="dns"} 1',
    'podwire_room_fact{room="services",fact="slots"} 4',
    'process_resident_memory_bytes 1000',
    'process_cpu_seconds_total 0.5',
  ]);
});
