export type MetricLabels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: MetricLabels;
  readonly value: number;
  /** Where it is not the family's name: `_bucket`, `_sum` and `_count` of histograms. */
  readonly metricName?: string;
}

/** A metric with all its series, as they are when it is asked for. Source: Prometheus, exposition formats. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): readonly Sample[];
}
