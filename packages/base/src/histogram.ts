import type { MetricLabels, Sample } from './metric-family.ts';

/** Counts of values up to each bound; the last counts all. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** The bounds go up. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const at = this.#bounds.findIndex((bound) => value <= bound);
    const index = at < 0 ? this.#bounds.length : at;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((sum, own) => sum + own, 0);
  }

  get sum(): number {
    return this.#sum;
  }

  /** Cumulative, as Prometheus has them, by `le`. */
  buckets(): readonly (readonly [le: string, count: number])[] {
    let count = 0;
    return this.#counts.map((own, index) => {
      count += own;
      return [String(this.#bounds[index] ?? '+Inf'), count];
    });
  }

  /** Of the family `name`, for a series with these labels. */
  samples(name: string, labels: MetricLabels = {}): readonly Sample[] {
    return [
      ...this.buckets().map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
      { metricName: `${name}_sum`, labels, value: this.sum },
      { metricName: `${name}_count`, labels, value: this.count },
    ];
  }
}
