export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Where it is not the family's name: `_bucket`, `_sum` and `_count` of histograms. */
  readonly metricName?: string;
}

/** A metric with all its series, as they are when it is asked for. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): readonly Sample[];
}
