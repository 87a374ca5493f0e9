import type { Kind, KindId } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { autoscalerFromV1, autoscalerToV1 } from './autoscaler-versions.ts';
import { eventFromCore, eventToCore } from './event-versions.ts';
import { ingressFromBeta, ingressToBeta } from './ingress-beta.ts';

/** Between the stored version of a kind and the others it is served in. apiVersion is set by the caller. */
interface Conversion {
  readonly toStored: (object: ApiObject) => ApiObject;
  readonly fromStored: (object: ApiObject) => ApiObject;
}

/** Kinds whose versions differ in more than their name. */
const CONVERSIONS: Partial<Record<KindId, Conversion>> = {
  Event: { toStored: eventToCore, fromStored: eventFromCore },
  HorizontalPodAutoscaler: { toStored: autoscalerFromV1, fromStored: autoscalerToV1 },
  Ingress: { toStored: ingressFromBeta, fromStored: ingressToBeta },
};

/** An object of any served version as it is stored. */
export function toStored(kind: Kind, object: ApiObject): ApiObject {
  if (object.apiVersion === kind.apiVersion) return object;
  return { ...(CONVERSIONS[kind.id]?.toStored(object) ?? object), apiVersion: kind.apiVersion };
}

/** A stored object as a client of the version reads it. */
export function fromStored(kind: Kind, object: ApiObject, apiVersion: string): ApiObject {
  if (object.apiVersion === apiVersion) return object;
  return { ...(CONVERSIONS[kind.id]?.fromStored(object) ?? object), apiVersion };
}
