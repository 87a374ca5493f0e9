import type {
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from 'kubernetes-types/admissionregistration/v1.js';
import { compileConditions } from '../admission/policy-expressions.ts';
import type { ResourceRule } from '../admission/resource-match.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabelSelector } from './metadata-validation.ts';
import { dnsSubdomain } from './names.ts';

/** Versions of AdmissionReview that are sent. */
const REVIEWS = ['v1', 'v1beta1'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const NOUNS = { apiGroups: 'API groups', apiVersions: 'API versions', resources: 'resources' } as const;

export function validateWebhooks(
  { webhooks }: ValidatingWebhookConfiguration | MutatingWebhookConfiguration,
  errors: FieldErrors,
): void {
  const names = new Set<string>();
  webhooks?.forEach((webhook, index) => {
    const at = `webhooks[${index}]`;
    if (names.has(webhook.name)) errors.duplicate(`${at}.name`, webhook.name);
    names.add(webhook.name);
    validateWebhook(webhook, at, errors);
  });
}

function validateWebhook(webhook: ValidatingWebhook, at: string, errors: FieldErrors): void {
  const { name, clientConfig, sideEffects, timeoutSeconds, admissionReviewVersions = [] } = webhook;
  if (name) errors.invalidEach(`${at}.name`, name, qualifiedDomain(name));
  if (sideEffects === 'Some' || sideEffects === 'Unknown') {
    errors.unsupported(`${at}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']);
  }
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    const detail = 'the timeout value must be between 1 and 30 seconds';
    errors.invalid(`${at}.timeoutSeconds`, timeoutSeconds, detail);
  }
  if (admissionReviewVersions.length > 0 && !admissionReviewVersions.some((version) => REVIEWS.includes(version))) {
    const detail = `must include at least one of ${REVIEWS.join(', ')}`;
    errors.invalid(`${at}.admissionReviewVersions`, admissionReviewVersions, detail);
  }
  validateClient(clientConfig ?? {}, `${at}.clientConfig`, errors);
  validateRules((webhook.rules ?? []) as readonly ResourceRule[], at, errors);
  for (const { field, text, why } of compileConditions(webhook.matchConditions ?? []).faults) {
    errors.invalid(`${at}.${field}`, text, why);
  }
  validateLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`, errors);
  validateLabelSelector(webhook.objectSelector, `${at}.objectSelector`, errors);
}

function validateClient({ url, service }: WebhookClientConfig, at: string, errors: FieldErrors): void {
  if ((url === undefined) === (service === undefined)) errors.required(at, 'exactly one of url or service is required');
  if (url !== undefined) validateUrl(url, `${at}.url`, errors);
  const { path = '/', port = 443 } = service ?? {};
  if (!path.startsWith('/')) errors.invalid(`${at}.service.path`, path, "must start with a '/'");
  if (port < 1 || port > 65_535)
    errors.invalid(`${at}.service.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
}

/** Credentials would stand in messages, so they are not shown here either. */
function validateUrl(text: string, at: string, errors: FieldErrors): void {
  const form = '; desired format: https://host[/path]';
  const url = URL.parse(text);
  if (!url) {
    errors.required(at, `url must be a valid URL${form}`);
    return;
  }
  const { protocol, username, password, hash, search } = url;
  if (protocol !== 'https:') errors.invalid(at, protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  if (username || password) errors.invalid(at, '...', 'user information is not permitted in the URL');
  if (hash) errors.invalid(at, hash.slice(1), 'fragments are not permitted in the URL');
  if (search) errors.invalid(at, search.slice(1), 'query parameters are not permitted in the URL');
}

function validateRules(rules: readonly ResourceRule[], webhook: string, errors: FieldErrors): void {
  rules.forEach((rule, index) => {
    const at = `${webhook}.rules[${index}]`;
    for (const field of ['apiGroups', 'apiVersions', 'resources'] as const) {
      const values = rule[field] ?? [];
      if (values.length === 0) errors.required(`${at}.${field}`);
      if (values.includes('*') && values.length > 1 && field !== 'resources')
        errors.invalid(`${at}.${field}`, values, `if '*' is present, must not specify other ${NOUNS[field]}`);
    }
    const { operations = [] } = rule;
    if (operations.length === 0) errors.required(`${at}.operations`);
    if (operations.includes('*') && operations.length > 1)
      errors.invalid(`${at}.operations`, operations, "if '*' is present, must not specify other operations");
    operations.forEach((operation, place) => {
      if (!OPERATIONS.includes(operation)) errors.unsupported(`${at}.operations[${place}]`, operation, OPERATIONS);
    });
  });
}

/** A name with the domain of whoever gave it. */
function qualifiedDomain(name: string): readonly string[] {
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0 || name.split('.').length >= 3) return wrong;
  return ['should be a domain with at least three segments separated by dots'];
}
