import type { Kind } from '@podwire/kube';
import type { Listener } from '../admission/attempt.ts';
import type { ApiObject, FieldValidation, User } from '../seam.ts';
import type { Writer } from './field-owner.ts';

/** One object by name. */
export interface Target {
  readonly kind: Kind;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A part of an object that is written by a path of its own. */
export type WrittenPart = 'status' | 'approval' | 'ephemeralcontainers' | 'resize';

/** Called with a valid object before it is stored; `old` is absent when it is new. */
export type WriteGuard = (kind: Kind, next: ApiObject, old?: ApiObject) => void;

export interface WriteOptions extends Listener {
  readonly fieldValidation: FieldValidation;
  readonly dryRun: boolean;
  readonly subresource?: WrittenPart | undefined;
  /** What the client said twice, as the Schema says what is unknown. */
  readonly duplicates?: readonly string[];
  /** The version the client wrote in; absent: that the kind is stored in. */
  readonly apiVersion?: string | undefined;
  /** Throws when whoever writes may not write this; absent: trusted. */
  readonly guard?: WriteGuard;
  /** A patch reports what it cannot decode in other words than a whole object. */
  readonly patch?: string;
  /** Absent for podwire's own: what it creates has no managedFields. */
  readonly writer?: Writer;
  /** Absent: the server itself, in which policies and webhooks have no say. */
  readonly user?: User;
}

/** Who asks for a deletion, and is told beside the answer. */
export interface Asker extends Partial<Listener> {
  readonly user: User;
}

export interface BindOptions {
  /** The pod has to have it. */
  readonly uid?: string | undefined;
  readonly dryRun?: boolean;
}
