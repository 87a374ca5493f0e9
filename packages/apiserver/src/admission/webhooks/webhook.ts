import type { KindId } from '@podwire/kube';
import type { ApiObject } from '../../seam.ts';
import { compileConditions, type Expression } from '../policy-expressions.ts';
import type { MatchResources, ResourceRule } from '../resource-match.ts';

/** WebhookClientConfig of admissionregistration.k8s.io/v1. */
export interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** PEM in base64. */
  readonly caBundle?: string;
}

/** A webhook of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration. */
export interface Webhook {
  readonly name: string;
  readonly isMutating: boolean;
  readonly match: MatchResources;
  readonly conditions: readonly Expression[];
  readonly clientConfig: ClientConfig;
  /** Failures of calls are no reason to refuse. */
  readonly isLenient: boolean;
  /** In seconds. */
  readonly timeoutSeconds: number;
  readonly isSafeInDryRun: boolean;
  /** Asked again when others change what it has seen. */
  readonly isReinvoked: boolean;
  /** Of AdmissionReview: the first that is known. */
  readonly reviewVersion: string;
}

interface WebhookFields {
  readonly name: string;
  readonly clientConfig?: ClientConfig;
  readonly rules?: readonly ResourceRule[];
  readonly failurePolicy?: string;
  readonly matchPolicy?: string;
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly namespaceSelector?: MatchResources['namespaceSelector'];
  readonly objectSelector?: MatchResources['objectSelector'];
  readonly sideEffects?: string;
  readonly timeoutSeconds?: number;
  readonly reinvocationPolicy?: string;
  readonly admissionReviewVersions?: readonly string[];
}

export const MUTATING: KindId = 'MutatingWebhookConfiguration';
export const VALIDATING: KindId = 'ValidatingWebhookConfiguration';
const KNOWN_REVIEWS = ['v1', 'v1beta1'];
const known = new WeakMap<ApiObject, readonly Webhook[]>();

/** Those of a stored configuration, in its order. */
export function webhooksOf(configuration: ApiObject): readonly Webhook[] {
  const webhooks = known.get(configuration) ?? readWebhooks(configuration);
  known.set(configuration, webhooks);
  return webhooks;
}

function readWebhooks({ kind, webhooks = [] }: ApiObject): readonly Webhook[] {
  return (webhooks as readonly WebhookFields[]).map((fields) => {
    const { rules = [], namespaceSelector = {}, objectSelector = {}, matchPolicy = 'Equivalent' } = fields;
    const { admissionReviewVersions: reviews = [], sideEffects = '' } = fields;
    return {
      name: fields.name,
      isMutating: kind === MUTATING,
      match: { resourceRules: rules, namespaceSelector, objectSelector, matchPolicy },
      conditions: compileConditions(fields.matchConditions ?? []).expressions,
      clientConfig: fields.clientConfig ?? {},
      isLenient: fields.failurePolicy === 'Ignore',
      timeoutSeconds: fields.timeoutSeconds ?? 10,
      isSafeInDryRun: sideEffects === 'None' || sideEffects === 'NoneOnDryRun',
      isReinvoked: fields.reinvocationPolicy === 'IfNeeded',
      reviewVersion: reviews.find((version) => KNOWN_REVIEWS.includes(version)) ?? 'v1',
    };
  });
}
