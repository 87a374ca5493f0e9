import type { MetricFamily, Sample } from '@podwire/base';
import type { RoomStatus } from '@podwire/kube';

/** What is told besides the rooms. */
export interface AgentFacts {
  readonly version: string;
  readonly nodeName: string;
  /** Whether all that is followed can be read of the API server. */
  readonly readable: boolean;
  /** In bytes. */
  readonly residentMemory: number;
  /** User and system time so far, in seconds. */
  readonly cpuSeconds: number;
}

/** What every room has, and the process. Facts of a room that are numbers are series of one gauge. */
export function agentMetrics(rooms: readonly RoomStatus[], facts: AgentFacts): readonly MetricFamily[] {
  const { version, nodeName: node, readable, residentMemory, cpuSeconds } = facts;
  return [
    gauge('podwire_build_info', 'Always 1; the version is a label.', [sample(1, { version, node })]),
    gauge('podwire_api_server_readable', 'Whether all that the rooms follow can be read of the API server.', [
      sample(readable ? 1 : 0),
    ]),
    gauge(
      'podwire_room_ready',
      'Whether all that the room was told of is in force.',
      rooms.map(({ room, ready }) => sample(ready ? 1 : 0, { room })),
    ),
    gauge(
      'podwire_room_errors',
      'How many things are wrong in the room.',
      rooms.map(({ room, errors }) => sample(errors.length, { room })),
    ),
    gauge(
      'podwire_room_fact',
      'Sizes and counters of the room, by name.',
      rooms.flatMap(({ room, facts: known }) =>
        Object.entries(known).flatMap(([fact, value]) =>
          typeof value === 'number' ? sample(value, { room, fact }) : [],
        ),
      ),
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', [sample(residentMemory)]),
    { ...gauge('process_cpu_seconds_total', 'User and system CPU time.', [sample(cpuSeconds)]), type: 'counter' },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples: () => samples };
}

const sample = (value: number, labels: Sample['labels'] = {}): Sample => ({ labels, value });
