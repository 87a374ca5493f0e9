import type { Kind } from '@podwire/kube';
import type { CustomResources } from '../custom/custom-resources.ts';
import type { ApiObject } from '../seam.ts';
import { addsExternalIps } from './completion.ts';
import { checkLimits } from './limit-ranges.ts';
import { checkDefaultClass } from './pod-priority.ts';
import { Quotas } from './quotas.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import { forbidden, invalid } from './status.ts';
import type { Store } from './store.ts';
import type { WriteOptions } from './write-options.ts';

/** An object as it will be written, and what goes with it. */
export interface Candidate {
  readonly object: ApiObject;
  /** Keeps what it was given from others, until the function that is returned is called. */
  hold(): () => void;
  /** Takes what it was given; it is stored in the same synchronous stretch. */
  commit(): void;
}

interface Parts {
  readonly store: Store;
  readonly addresses: ServiceAddresses;
  readonly denyExternalIPs: boolean;
  readonly custom: CustomResources | undefined;
}

interface From {
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
  readonly subresource?: WriteOptions['subresource'];
}

/**
 * What the server itself has to say to a write, in two steps, for policies and webhooks see what the first one gives.
 *
 *     checked object ─▶ allocated ─▶ policies, validating webhooks ─▶ admit ─▶ store
 *                       addresses, node ports                         quotas, limits, names of definitions
 */
export class WriteAdmission {
  readonly #parts: Parts;
  readonly #quotas: Quotas;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#quotas = new Quotas(parts.store);
  }

  /** With the addresses and node ports of a Service. Throws 403 and 422, and 500 when a range is full. */
  allocated(kind: Kind, object: ApiObject, { old, subresource }: From): Candidate {
    if (kind.id !== 'Service' || subresource) return given(object);
    const name = object.metadata.name ?? '';
    if (this.#parts.denyExternalIPs && addsExternalIps(object, old))
      throw forbidden(kind, name, 'Use of external IPs is denied by admission control');
    const { spec, causes, hold, commit } = this.#parts.addresses.allocate(object, old);
    if (causes.length > 0) throw invalid(kind, name, causes);
    return { object: { ...object, spec }, hold, commit };
  }

  /** The last step: nothing may come in between it and the write. Throws 403 and 422. */
  admit(kind: Kind, candidate: Candidate, { old, subresource }: From): Candidate {
    if (subresource && subresource !== 'resize') return candidate;
    const { store, custom } = this.#parts;
    const { object } = candidate;
    if (kind.id === 'PriorityClass') checkDefaultClass(object, store);
    if (kind.id === 'Pod' && (!old || subresource)) checkLimits(object, store);
    const isDefinition = kind.id === 'CustomResourceDefinition' && custom;
    const admitted = isDefinition ? { ...candidate, object: custom.admit(object) } : candidate;
    this.#quotas.check(kind, { object: admitted.object, old });
    return admitted;
  }
}

/** What nothing is allocated for. */
function given(object: ApiObject): Candidate {
  return { object, hold: () => () => {}, commit: () => {} };
}
