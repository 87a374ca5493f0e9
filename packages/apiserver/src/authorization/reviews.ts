import { readData } from '../core/body.ts';
import { badRequest, invalid, invalidValue } from '../core/status.ts';
import { schemaOf } from '../schema/catalogue.ts';
import { decode } from '../schema/decode.ts';
import type { ApiObject, ApiRequest, ApiResponse, StatusCause, User } from '../seam.ts';
import type { Attributes } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';

const GROUP = 'authorization.k8s.io';

interface AccessSpec {
  readonly resourceAttributes?: Readonly<Partial<Record<string, string>>>;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  /** Of reviews about others. */
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
}

/** The part of a review that a question is made of, and who asks. */
export interface Question {
  readonly body: ApiObject;
  readonly user: User;
  /** Of LocalSubjectAccessReview. */
  readonly namespace: string;
}

export type Answer = (question: Question) => Readonly<Record<string, unknown>>;

export interface Review {
  readonly group: string;
  readonly kind: string;
  /** The fields beside apiVersion, kind and metadata. */
  readonly answer: Answer;
}

/** `kubectl auth can-i`, `auth can-i --list` and what webhooks and proxies ask about others. */
export function accessReviews(authorizer: Authorizer): readonly Review[] {
  const decide = (user: User, spec: AccessSpec) => {
    const { allowed, reason } = authorizer.decide(user, askedFor(spec));
    return { allowed, ...(reason ? { reason } : {}) };
  };
  const other = (question: Question, kind: string) => {
    const spec = specOf(question, kind);
    return { spec, status: decide(subjectOf(spec, kind), spec) };
  };
  return [
    {
      group: GROUP,
      kind: 'SelfSubjectAccessReview',
      answer: (question) => {
        const spec = specOf(question, 'SelfSubjectAccessReview');
        return { spec, status: decide(question.user, spec) };
      },
    },
    { group: GROUP, kind: 'SelfSubjectRulesReview', answer: (question) => rulesAnswer(authorizer, question) },
    { group: GROUP, kind: 'SubjectAccessReview', answer: (question) => other(question, 'SubjectAccessReview') },
    {
      group: GROUP,
      kind: 'LocalSubjectAccessReview',
      answer: (question) => {
        const { resourceAttributes } = (question.body.spec ?? {}) as AccessSpec;
        if (resourceAttributes?.namespace !== question.namespace)
          throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${question.namespace}`);
        return other(question, 'LocalSubjectAccessReview');
      },
    },
  ];
}

function askedFor({ resourceAttributes, nonResourceAttributes }: AccessSpec): Attributes {
  if (!resourceAttributes) {
    const { verb = '', path = '' } = nonResourceAttributes ?? {};
    return { verb, path };
  }
  const { verb = '', group = '', version = '', resource = '' } = resourceAttributes;
  const { subresource = '', namespace = '', name = '' } = resourceAttributes;
  return { verb, resource: { group, version, resource, subresource, namespace, name }, path: '' };
}

function specOf({ body }: Question, kind: string): AccessSpec {
  const spec = (body.spec ?? {}) as AccessSpec;
  if (Boolean(spec.resourceAttributes) === Boolean(spec.nonResourceAttributes)) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw unanswerable(kind, invalidValue('spec.resourceAttributes', spec.resourceAttributes ?? null, why));
  }
  return spec;
}

function subjectOf({ user = '', groups = [], uid }: AccessSpec, kind: string): User {
  if (user || groups.length > 0) return { name: user, groups, uid };
  throw unanswerable(kind, invalidValue('spec.user', '', 'at least one of user or group must be specified'));
}

function unanswerable(kind: string, cause: StatusCause): Error {
  return invalid({ group: GROUP, kind }, '', [cause]);
}

function rulesAnswer(authorizer: Authorizer, { body, user }: Question): Readonly<Record<string, unknown>> {
  const { namespace = '' } = (body.spec ?? {}) as { namespace?: string };
  if (!namespace) throw badRequest('no namespace on request');
  const rules = authorizer.rulesOf(user, namespace);
  const resourceRules = rules
    .filter(({ resources }) => resources?.length)
    .map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames?.length ? { resourceNames } : {}),
    }));
  const nonResourceRules = rules
    .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  return { spec: {}, status: { resourceRules, nonResourceRules, incomplete: false } };
}

/** Answers POST of a review; undefined when the request is none. */
export function reviewResponder(reviews: readonly Review[]): (request: ApiRequest) => Promise<ApiResponse | undefined> {
  const byPath = new Map(reviews.map((review) => [`${review.group}/${review.kind.toLowerCase()}s`, review]));
  return async (request) => {
    if (request.method !== 'POST') return undefined;
    const [, group, namespace = '', plural] =
      /^\/apis\/([^/]+)\/v1\/(?:namespaces\/([^/]+)\/)?([^/]+)\/?$/.exec(request.path) ?? [];
    const review = byPath.get(`${group}/${plural}`);
    if (!review || (review.kind === 'LocalSubjectAccessReview') !== (namespace !== '')) return undefined;
    const { kind, answer } = review;
    const apiVersion = `${review.group}/v1`;
    const body = await bodyOf(request, apiVersion, kind);
    const answered = answer({ body, user: request.user, namespace });
    return { status: 201, body: { kind, apiVersion, metadata: { creationTimestamp: null }, ...answered } };
  };
}

/** The body as an object of the kind; values of a wrong type are 400. */
export async function bodyOf(request: ApiRequest, apiVersion: string, kind: string): Promise<ApiObject> {
  const data = (await readData(request)) ?? {};
  const type = schemaOf(apiVersion, kind);
  if (!type)
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const { object, error } = decode(type, data);
  const { kind: givenKind = kind, apiVersion: givenVersion = apiVersion } = object;
  if (givenKind !== kind || givenVersion !== apiVersion) {
    const why = `the body is a ${String(givenKind)} of ${String(givenVersion)}`;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`);
  }
  if (error !== undefined) throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${error}`);
  return object as unknown as ApiObject;
}
