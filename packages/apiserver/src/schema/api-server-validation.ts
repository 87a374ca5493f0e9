import type { APIService, FlowSchema, PriorityLevelConfiguration } from '@podwire/kube';
import type { FieldErrors } from './field-errors.ts';

const MAX_PRECEDENCE = 10_000;

export function validateApiService({ metadata, spec }: APIService, errors: FieldErrors): void {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify } = spec ?? {};
  const name = `${version}.${group}`;
  if (metadata?.name !== name)
    errors.invalid(
      'metadata.name',
      metadata?.name ?? '',
      `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`,
    );
  if (!version) errors.required('spec.version');
  for (const [field, most] of PRIORITIES) {
    const value = spec?.[field] ?? 0;
    if (value <= 0 || value > most) errors.invalid(`spec.${field}`, value, `must be positive and less than ${most}`);
  }
  if (!service) {
    if (caBundle)
      errors.invalid('spec.caBundle', `${caBundle.length} bytes`, 'local APIServices may not have a caBundle');
    if (insecureSkipTLSVerify)
      errors.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    return;
  }
  if (!service.namespace) errors.required('spec.service.namespace');
  if (!service.name) errors.required('spec.service.name');
  if (insecureSkipTLSVerify && caBundle)
    errors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
}

const PRIORITIES = [
  ['groupPriorityMinimum', 20_000],
  ['versionPriority', 1000],
] as const;

/** What is stored and not acted on. */
export function apiServiceWarnings({ spec }: APIService): readonly string[] {
  return spec?.service ? ['spec.service: podwire does not forward requests to other API servers'] : [];
}

export function validateFlowSchema({ spec }: FlowSchema, errors: FieldErrors): void {
  const precedence = spec?.matchingPrecedence ?? 0;
  if (precedence <= 0) errors.invalid('spec.matchingPrecedence', precedence, 'must be a positive value');
  if (precedence > MAX_PRECEDENCE)
    errors.invalid('spec.matchingPrecedence', precedence, `must not be greater than ${MAX_PRECEDENCE}`);
}

export function validatePriorityLevel({ spec }: PriorityLevelConfiguration, errors: FieldErrors): void {
  const { type, limited, exempt } = spec ?? {};
  if (type === 'Exempt' && limited) errors.forbidden('spec.limited', 'must be nil if the type is not Limited');
  if (type === 'Limited' && exempt) errors.forbidden('spec.exempt', 'must be nil if the type is Limited');
  if (type !== 'Limited') return;
  if (!limited) errors.required('spec.limited', 'must not be empty when type is Limited');
  const { type: response, queuing } = limited?.limitResponse ?? {};
  if (response === 'Queue' && !queuing)
    errors.required('spec.limited.limitResponse.queuing', 'must not be empty if limitResponse.type is Queue');
  if (response === 'Reject' && queuing)
    errors.forbidden('spec.limited.limitResponse.queuing', 'must be nil if limited.limitResponse.type is not Queue');
}
