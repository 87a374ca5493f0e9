import type { RoomStatus } from '@podwire/kube';

/** What is told besides the rooms. */
export interface AgentFacts {
  readonly version: string;
  readonly nodeName: string;
  /** In bytes. */
  readonly residentMemory: number;
  /** User and system time so far, in seconds. */
  readonly cpuSeconds: number;
}

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/**
 * The text format of Prometheus, version 0.0.4. Facts of a room that are numbers are gauges of their own. Written out here, as
 * prom-client takes 20 MiB and a tenth of a second, and scrapes come to every node.
 */
export function formatMetrics(rooms: readonly RoomStatus[], facts: AgentFacts): string {
  const { version, nodeName: node, residentMemory, cpuSeconds } = facts;
  const families: readonly Family[] = [
    gauge('podwire_build_info', 'Always 1; the version is a label.', [[{ version, node }, 1]]),
    gauge(
      'podwire_room_ready',
      'Whether all that the room was told of is in force.',
      rooms.map(({ room, ready }) => [{ room }, ready ? 1 : 0]),
    ),
    gauge(
      'podwire_room_errors',
      'How many things are wrong in the room.',
      rooms.map(({ room, errors }) => [{ room }, errors.length]),
    ),
    gauge(
      'podwire_room_fact',
      'Sizes and counters of the room, by name.',
      rooms.flatMap(({ room, facts: known }) =>
        Object.entries(known).flatMap(([fact, value]) =>
          typeof value === 'number' ? [[{ room, fact }, value] as const] : [],
        ),
      ),
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', [[{}, residentMemory]]),
    { ...gauge('process_cpu_seconds_total', 'User and system CPU time.', [[{}, cpuSeconds]]), type: 'counter' },
  ];
  return families.map(formatFamily).join('');
}

function gauge(name: string, help: string, samples: Family['samples']): Family {
  return { name, type: 'gauge', help, samples };
}

function formatFamily({ name, type, help, samples }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeCharacter)}"`,
  );
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escapeCharacter = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);
