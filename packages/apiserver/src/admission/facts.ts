import type { Authorizer } from '../authorization/authorizer.ts';
import { fromStored } from '../core/conversion.ts';
import { DYN } from '../custom/cel/value-type.ts';
import type { ApiObject } from '../seam.ts';
import { type Attempt, requestOf } from './attempt.ts';
import { requestAuthorizer } from './cel-authorizer.ts';
import type { Facts } from './policy-expressions.ts';

/** What expressions see of an attempt, in a version of its kind. */
export function factsOf(attempt: Attempt, apiVersion: string, authorizer: Authorizer): Facts {
  const request = requestOf(attempt, apiVersion);
  const shown = {
    ...{ name: '', namespace: '', subResource: '', requestSubResource: '', ...request },
    userInfo: { uid: '', extra: {}, ...(request.userInfo as object) },
    options: attempt.options ?? {},
  };
  const inVersion = (object: ApiObject | undefined) => celValue(object && versioned(attempt, object, apiVersion));
  return {
    ...{ object: inVersion(attempt.object), oldObject: inVersion(attempt.old), request: celValue(shown) },
    authorizer: requestAuthorizer(authorizer, attempt),
  };
}

/** A value of CEL; null for nothing. */
export function celValue(data: unknown): unknown {
  return data === undefined ? null : DYN.convert(data);
}

/** An object as those see it who are asked in a version of the resource's kind. */
export function versioned({ kind, owner }: Attempt, object: ApiObject, apiVersion: string): ApiObject {
  return owner ? object : fromStored(kind, object, apiVersion);
}
