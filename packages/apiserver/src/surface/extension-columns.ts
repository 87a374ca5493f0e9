import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '@podwire/kube';
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { RuntimeClass } from 'kubernetes-types/node/v1.js';
import { type Column, count, text } from './columns.ts';
import { age } from './workload-columns.ts';

const UNSET = '<unset>';

export const WEBHOOK_CONFIGURATION_COLUMNS: readonly Column<
  ValidatingWebhookConfiguration | MutatingWebhookConfiguration
>[] = [count('Webhooks', ({ webhooks }) => webhooks?.length), age()];

export const ADMISSION_POLICY_COLUMNS: readonly Column<ValidatingAdmissionPolicy>[] = [
  count('Validations', ({ spec }) => spec?.validations?.length),
  paramKind(),
  age(),
];

export const MUTATING_POLICY_COLUMNS: readonly Column<MutatingAdmissionPolicy>[] = [
  count('Mutations', ({ spec }) => spec?.mutations?.length),
  paramKind(),
  age(),
];

export const ADMISSION_POLICY_BINDING_COLUMNS: readonly Column<
  ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding
>[] = [
  text('PolicyName', ({ spec }) => spec?.policyName ?? ''),
  text('ParamRef', ({ spec }) => {
    const { name, namespace } = spec?.paramRef ?? {};
    if (!spec?.paramRef) return UNSET;
    return namespace ? `${namespace}/${name ?? '*'}` : (name ?? '*');
  }),
  age(),
];

export const CUSTOM_RESOURCE_DEFINITION_COLUMNS: readonly Column<CustomResourceDefinition>[] = [
  text('Created At', ({ metadata }) => metadata?.creationTimestamp ?? ''),
];

export const RUNTIME_CLASS_COLUMNS: readonly Column<RuntimeClass>[] = [
  text('Handler', ({ handler }) => handler),
  age(),
];

function paramKind(): Column<ValidatingAdmissionPolicy | MutatingAdmissionPolicy> {
  return text('ParamKind', ({ spec }) =>
    spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : UNSET,
  );
}
