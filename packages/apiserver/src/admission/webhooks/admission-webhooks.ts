import { randomUUID } from 'node:crypto';
import { messageOf } from '@podwire/base';
import type { KindId } from '@podwire/kube';
import type { Authorizer } from '../../authorization/authorizer.ts';
import { toStored } from '../../core/conversion.ts';
import { internalError } from '../../core/status.ts';
import type { Store } from '../../core/store.ts';
import type { ApiObject } from '../../seam.ts';
import { type Attempt, type Listener, placeOf } from '../attempt.ts';
import { versioned } from '../facts.ts';
import type { MutatingPolicies } from '../mutations/mutating-policies.ts';
import { type Mutator, mutated } from '../mutations/mutation-chain.ts';
import { patchedObject } from '../mutations/patched-object.ts';
import { POLICY_KINDS } from '../policy-kinds.ts';
import { matchedVersion } from '../resource-match.ts';
import { type Question, readVerdict, reviewText, type Verdict } from './admission-review.ts';
import { meetsConditions } from './match-conditions.ts';
import { MUTATING, VALIDATING, type Webhook, webhooksOf } from './webhook.ts';
import { WebhookClient } from './webhook-client.ts';
import { CallFailure, denial, noDryRun, refusal } from './webhook-failure.ts';

/** Nobody has a say in what says who has one: whoever locked himself out could not undo it. */
const EXEMPT: ReadonlySet<KindId> = new Set<KindId>([MUTATING, VALIDATING, ...POLICY_KINDS]);

interface Parts {
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly policies: MutatingPolicies;
}

/**
 * Asks the webhooks that are configured, and mutating policies before them.
 *
 *     draft ─▶ mutating, one after the other, in order of their names ─▶ checks of the server, validating policies
 *                └─ who wants to is asked once more when a later one changes something
 *           ─▶ validating, all at once ─▶ store
 */
export class AdmissionWebhooks {
  readonly #store: Store;
  readonly #authorizer: Authorizer;
  readonly #policies: MutatingPolicies;
  readonly #client: WebhookClient;

  constructor({ store, authorizer, policies }: Parts) {
    this.#store = store;
    this.#authorizer = authorizer;
    this.#policies = policies;
    this.#client = new WebhookClient(store);
  }

  /** Whether any webhook or mutating policy may have a say; costs next to nothing when there is none. */
  concern({ kind }: Pick<Attempt, 'kind'>): boolean {
    const isAnyConfigured = this.#store.size(MUTATING) + this.#store.size(VALIDATING) > 0;
    return (isAnyConfigured && !EXEMPT.has(kind.id)) || this.#policies.concern({ kind });
  }

  /** The object as policies and webhooks want it; `complete` gives it its defaults. Throws what the writer is told. */
  async mutate(attempt: Attempt, listener: Listener, complete: (object: ApiObject) => ApiObject): Promise<Attempt> {
    const webhooks = this.#webhooksOf(MUTATING, attempt).map(
      (webhook): Mutator => ({
        isReinvoked: webhook.isReinvoked,
        mutate: (current) => this.#patched(webhook, current, { ...listener, complete }),
      }),
    );
    return mutated(attempt, [...this.#policies.mutators(attempt, complete), ...webhooks]);
  }

  /** Throws what the writer is told. */
  async validate(attempt: Attempt, listener: Listener): Promise<void> {
    const questions = this.#webhooksOf(VALIDATING, attempt).flatMap(
      (webhook) => this.#question(webhook, attempt) ?? [],
    );
    const answers = await Promise.allSettled(questions.map((question) => this.#ask(question, listener)));
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }

  close(): void {
    this.#client.close();
  }

  #webhooksOf(kind: KindId, attempt: Attempt): readonly Webhook[] {
    if (this.#store.size(kind) === 0 || EXEMPT.has(attempt.kind.id)) return [];
    const byName = (one: ApiObject, other: ApiObject) =>
      (one.metadata.name ?? '') < (other.metadata.name ?? '') ? -1 : 1;
    return [...this.#store.latestOf(kind)].sort(byName).flatMap(webhooksOf);
  }

  /** Undefined when the webhook has nothing to do with it. Throws 403 when that cannot be told. */
  #question(webhook: Webhook, attempt: Attempt): Question | undefined {
    const { namespace: name } = placeOf(attempt);
    const namespace = name ? this.#store.latest('Namespace', name) : undefined;
    const apiVersion = matchedVersion(webhook.match, attempt, namespace);
    if (apiVersion === undefined) return undefined;
    const question = { webhook, attempt, apiVersion };
    return meetsConditions(question, this.#authorizer) ? question : undefined;
  }

  /** Undefined when nothing is to be changed. */
  async #patched(webhook: Webhook, attempt: Attempt, listener: Completing): Promise<ApiObject | undefined> {
    const question = this.#question(webhook, attempt);
    const { patch = [] } = (question && (await this.#ask(question, listener))) ?? {};
    if (!question || patch.length === 0) return undefined;
    const { object, kind, owner } = attempt;
    if (!object) {
      const why = 'attempted to modify the object, which is not supported for this operation';
      throw internalError(`admission webhook "${webhook.name}" ${why}`);
    }
    try {
      const changed = patchedObject(versioned(attempt, object, question.apiVersion), patch);
      return listener.complete(owner ? changed : toStored(kind, changed));
    } catch (error) {
      throw internalError(messageOf(error));
    }
  }

  /** Undefined when there was no answer and that does not matter. */
  async #ask(question: Question, { warn, annotate, aside }: Listener): Promise<Verdict | undefined> {
    const { webhook, attempt } = question;
    if (attempt.dryRun && !webhook.isSafeInDryRun) throw noDryRun(webhook);
    const uid = randomUUID();
    try {
      const ask = () => this.#client.ask(webhook, reviewText(question, uid));
      const verdict = readVerdict(question, uid, await (aside ? aside(ask) : ask()));
      for (const [key, value] of Object.entries(verdict.annotations)) annotate?.(`${webhook.name}/${key}`, value);
      for (const text of verdict.warnings) warn(text);
      if (!verdict.isAllowed) throw denial(webhook, verdict.status);
      return verdict;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!webhook.isLenient) throw refusal(webhook, error);
      annotate?.(
        `failed-open.${webhook.isMutating ? 'mutation' : 'validating'}.webhook.admission.k8s.io/${webhook.name}`,
        error.message,
      );
      return undefined;
    }
  }
}

interface Completing extends Listener {
  readonly complete: (object: ApiObject) => ApiObject;
}
