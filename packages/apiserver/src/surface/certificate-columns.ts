import type { APIService, CertificateSigningRequest, FlowSchema, PriorityLevelConfiguration } from '@podwire/kube';
import { formatDuration } from './age.ts';
import { type Cell, type Column, NONE, text } from './columns.ts';
import { age } from './workload-columns.ts';

/** `Approved,Issued`: what became of a request. */
function condition({ status = {} }: CertificateSigningRequest): string {
  const has = (type: string) => status.conditions?.some((one) => one.type === type) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return [decision, ...(has('Failed') ? ['Failed'] : []), ...(status.certificate ? ['Issued'] : [])].join();
}

export const CERTIFICATE_REQUEST_COLUMNS: readonly Column<CertificateSigningRequest>[] = [
  text('Name', ({ metadata }) => metadata?.name ?? ''),
  age(),
  text('SignerName', ({ spec }) => spec?.signerName ?? ''),
  text('Requestor', ({ spec }) => spec?.username ?? ''),
  text('RequestedDuration', ({ spec }) =>
    spec?.expirationSeconds === undefined ? NONE : formatDuration(spec.expirationSeconds * 1000),
  ),
  text('Condition', condition),
];

export const API_SERVICE_COLUMNS: readonly Column<APIService>[] = [
  text('Service', ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local')),
  text('Available', ({ status }) => {
    const available = status?.conditions?.find(({ type }) => type === 'Available');
    if (!available) return 'Unknown';
    return available.status === 'True' ? 'True' : `${available.status} (${available.reason})`;
  }),
  age(),
];

export const FLOW_SCHEMA_COLUMNS: readonly Column<FlowSchema>[] = [
  text('PriorityLevel', ({ spec }) => spec?.priorityLevelConfiguration?.name ?? NONE),
  { ...text('MatchingPrecedence', ({ spec }) => spec?.matchingPrecedence ?? 0), type: 'integer' },
  text('DistinguisherMethod', ({ spec }) => spec?.distinguisherMethod?.type ?? NONE),
  age(),
  text('MissingPL', ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'),
];

const NOT_LIMITED: Cell = NONE;

export const PRIORITY_LEVEL_COLUMNS: readonly Column<PriorityLevelConfiguration>[] = [
  text('Type', ({ spec }) => spec?.type ?? ''),
  text('NominalConcurrencyShares', ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? NOT_LIMITED),
  text('Queues', ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? NOT_LIMITED),
  text('HandSize', ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? NOT_LIMITED),
  text('QueueLengthLimit', ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? NOT_LIMITED),
  age(),
];
