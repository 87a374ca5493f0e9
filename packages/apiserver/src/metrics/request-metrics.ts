import { Histogram, type MetricFamily, type Sample } from '@podwire/base';
import type { Asked } from '../core/http-request.ts';
import { isLongRunning, type RequestLabels, requestLabels } from './request-labels.ts';

/** Those of the Kubernetes API server, in seconds. */
const BOUNDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
] as const;
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'LIST', 'WATCH', 'OPTIONS']);
const DURATION = 'apiserver_request_duration_seconds';

/** All requests with the same labels. */
interface Series {
  readonly labels: RequestLabels;
  readonly codes: Map<number, number>;
  /** Absent when they last as long as clients like. */
  readonly durations: Histogram | undefined;
  running: number;
}

/**
 * Counts requests as the Kubernetes API server does, under its names. Numbers are kept here and not in prom-client, which
 * takes longer to load than a server to start, and is when somebody asks for them.
 */
export class RequestMetrics {
  readonly #series = new Map<string, Series>();

  /** Returns what to call with the status and the seconds it took when the answer has ended. */
  begin(asked: Asked): (status: number, seconds: number) => void {
    const series = this.#of(requestLabels(asked));
    series.running++;
    return (status, seconds) => {
      series.running--;
      series.codes.set(status, (series.codes.get(status) ?? 0) + 1);
      series.durations?.observe(seconds);
    };
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'apiserver_request_total',
        help: 'Requests that were answered, by verb, resource and code.',
        type: 'counter',
        samples: () => this.#all(({ labels, codes }) => [...codes].map(([code, value]) => sample(labels, value, code))),
      },
      {
        name: DURATION,
        help: 'Time from a request to the end of its answer, but for watches, logs and streams.',
        type: 'histogram',
        samples: () => this.#all(durations),
      },
      {
        name: 'apiserver_longrunning_requests',
        help: 'Watches, logs and streams that are open.',
        type: 'gauge',
        samples: () =>
          this.#all(({ labels, durations, running }) => (durations || running === 0 ? [] : [sample(labels, running)])),
      },
      {
        name: 'apiserver_current_inflight_requests',
        help: 'Requests that are being answered, but for watches, logs and streams.',
        type: 'gauge',
        samples: () => ['readOnly', 'mutating'].map((kind) => this.#inflight(kind)),
      },
    ];
  }

  #of(labels: RequestLabels): Series {
    const key = Object.values(labels).join('\n');
    const present = this.#series.get(key);
    if (present) return present;
    const durations = isLongRunning(labels) ? undefined : new Histogram(BOUNDS);
    const series = { labels, codes: new Map<number, number>(), durations, running: 0 };
    this.#series.set(key, series);
    return series;
  }

  #all(samples: (series: Series) => readonly Sample[]): readonly Sample[] {
    return [...this.#series.values()].flatMap(samples);
  }

  #inflight(kind: string): Sample {
    const ofKind = [...this.#series.values()].filter(
      ({ labels, durations }) => durations && READS.has(labels.verb) === (kind === 'readOnly'),
    );
    return { labels: { request_kind: kind }, value: ofKind.reduce((sum, { running }) => sum + running, 0) };
  }
}

function sample(labels: RequestLabels, value: number, code?: number): Sample {
  const { dry_run: _, ...rest } = labels;
  return { labels: code === undefined ? rest : { ...labels, code: String(code) }, value };
}

function durations({ labels, durations }: Series): readonly Sample[] {
  return durations && durations.count > 0 ? durations.samples(DURATION, { ...labels }) : [];
}
