import type { Informer, ObjectOf } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, nameOf, visible } from '../context.ts';
import { startReconciler } from '../reconciler.ts';
import { recognizedRights } from './kubelet-request.ts';
import type { RequestContent } from './request-content.ts';
import { endOfRequest, hasCondition, isPending } from './request-life.ts';
import { KUBELET_CLIENT, SIGNER_RULES } from './signer-rules.ts';

type Request = ObjectOf<'CertificateSigningRequest'>;
type Condition = NonNullable<NonNullable<Request['status']>['conditions']>[number];

/** In ms: who may not have it now may get the right to. */
const ASK_AGAIN = 30_000;
/** Nothing but a change makes a difference. */
const LONGEST = 24 * 3600_000;

/**
 *     made ──▶ approved, by people or for kubelets by us ──▶ signed, or Failed ──▶ deleted
 *
 * Without an authority nothing is signed, without `mayDo` nothing approved.
 */
export function startCertificateRequests(context: ControllerContext): Controller {
  return new CertificateRequests(context);
}

class CertificateRequests implements Controller {
  readonly #context: ControllerContext;
  readonly #requests: Informer<'CertificateSigningRequest'>;
  readonly #ends: readonly (() => void)[];

  constructor(context: ControllerContext) {
    const { informers, logger, clock } = context;
    this.#context = context;
    this.#requests = informers.of('CertificateSigningRequest');
    const reconcile = (name: string) => this.#reconcile(name);
    const queue = startReconciler({ name: 'certificate-request', logger, reconcile, clock });
    this.#ends = [
      this.#requests.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object))),
      () => queue.shutDown(),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
  }

  get #now(): number {
    return (this.#context.clock ?? systemClock).now();
  }

  async #reconcile(name: string): Promise<number | undefined> {
    const request = this.#requests.get(name);
    if (!request || request.metadata?.deletionTimestamp) return undefined;
    const left = (endOfRequest(request) ?? Number.POSITIVE_INFINITY) - this.#now;
    if (left <= 0) await this.#remove(request);
    else if (isPending(request)) return Math.min(left, await this.#approve(request));
    else if (isToSign(request)) await this.#sign(request);
    return Number.isFinite(left) && left > 0 ? left : undefined;
  }

  async #remove({ metadata }: Request): Promise<void> {
    const uid = metadata?.uid;
    await this.#context.client.delete('CertificateSigningRequest', { name: metadata?.name ?? '' }, uid ? { uid } : {});
  }

  /** A node's first certificate, or the next one of its own, when whoever asks may have it; in how many ms to look again. */
  async #approve(request: Request): Promise<number> {
    const { mayDo } = this.#context;
    if (!mayDo || request.spec?.signerName !== KUBELET_CLIENT) return LONGEST;
    const content = await readOrFail(request);
    if (typeof content === 'string') return LONGEST;
    const { username = '', groups = [], uid, extra } = request.spec;
    const user = { name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
    const rights = recognizedRights(content, request.spec);
    for (const { subresource, message } of rights) {
      const asked = {
        verb: 'create',
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        subresource,
      };
      if (!(await mayDo(user, asked))) continue;
      await this.#write(withCondition(request, 'Approved', { reason: 'AutoApproved', message }), 'approval');
      return LONGEST;
    }
    return rights.length > 0 ? ASK_AGAIN : LONGEST;
  }

  async #sign(request: Request): Promise<void> {
    const { certificateAuthority: authority } = this.#context;
    const { signerName, usages = [], expirationSeconds } = request.spec ?? {};
    const rule = SIGNER_RULES.get(signerName ?? '');
    if (!rule || !authority) return;
    const content = await readOrFail(request);
    const wrong = typeof content === 'string' ? content : rule(content, usages);
    if (typeof content === 'string' || wrong !== undefined) {
      const failed = { reason: 'SignerValidationFailure', message: wrong ?? '' };
      await this.#write(withCondition(request, 'Failed', failed), 'status');
      return;
    }
    const { signCertificate } = await import('./certificate-authority.ts');
    const pem = await signCertificate(authority, { content, usages, expirationSeconds, now: this.#now });
    await this.#write({ ...request, status: { ...request.status, certificate: btoa(pem) } }, 'status');
  }

  async #write(request: Request, part: 'approval' | 'status'): Promise<void> {
    await visible(this.#requests, await this.#context.client.update('CertificateSigningRequest', request, part));
  }
}

function isToSign(request: Request): boolean {
  const isRefused = hasCondition(request, 'Denied') || hasCondition(request, 'Failed');
  return hasCondition(request, 'Approved') && !isRefused && !request.status?.certificate;
}

/** What is asked for, or why that cannot be read. Most clusters never sign anything: the reader is loaded when one does. */
async function readOrFail({ spec }: Request): Promise<RequestContent | string> {
  const { readRequest } = await import('./request-content.ts');
  return readRequest(Buffer.from(spec?.request ?? '', 'base64').toString('latin1')).catch(
    (error: unknown) => `unable to parse csr: ${error instanceof Error ? error.message : 'it cannot be read'}`,
  );
}

/** The API server sets the times. */
function withCondition(request: Request, type: string, said: { readonly reason: string; readonly message: string }) {
  const condition: Condition = { type, status: 'True', ...said };
  const conditions = [...(request.status?.conditions ?? []), condition];
  return { ...request, status: { ...request.status, conditions } };
}
