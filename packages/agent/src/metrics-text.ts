import type { MetricFamily, Sample } from '@podwire/base';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The text format of Prometheus, version 0.0.4. Written out here, as prom-client takes 20 MiB and a tenth of a second, and
 * scrapes come to every node.
 */
export function formatMetrics(families: readonly MetricFamily[]): string {
  return families.map(formatFamily).join('');
}

function formatFamily({ name, type, help, samples }: MetricFamily): string {
  const lines = samples().map(
    ({ metricName, labels, value }) => `${metricName ?? name}${formatLabels(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function formatLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeCharacter)}"`,
  );
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escapeCharacter = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);
