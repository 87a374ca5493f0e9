import type { ApiRequest, ApiResponse, User } from '../seam.ts';

/** The server has one right for everyone it lets in: everything. */
const EVERYTHING = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
const EVERY_PATH = [{ verbs: ['*'], nonResourceURLs: ['*'] }];

type Review = (spec: object, user: User) => object;

const REVIEWS: Readonly<
  Record<string, { readonly apiVersion: string; readonly kind: string; readonly answer: Review }>
> = {
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    answer: (spec) => ({ spec, status: { allowed: true } }),
  },
  '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews': {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    answer: (spec) => ({
      spec,
      status: { resourceRules: EVERYTHING, nonResourceRules: EVERY_PATH, incomplete: false },
    }),
  },
  '/apis/authentication.k8s.io/v1/selfsubjectreviews': {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    answer: (_spec, { name, groups }) => ({ status: { userInfo: { username: name, groups } } }),
  },
};

/** Answers `kubectl auth can-i` and `kubectl auth whoami`; undefined when the request is no such question. */
export async function answerReview(request: ApiRequest): Promise<ApiResponse | undefined> {
  const review = request.method === 'POST' ? REVIEWS[request.path] : undefined;
  if (!review) return undefined;
  const { apiVersion, kind, answer } = review;
  const spec = specOf(await request.body());
  return {
    status: 201,
    body: { apiVersion, kind, metadata: { creationTimestamp: null }, ...answer(spec, request.user) },
  };
}

/** The question itself does not change the answer: a body that is not JSON (protobuf) is as good. */
function specOf(body: Buffer): object {
  try {
    const { spec } = JSON.parse(body.toString()) as { spec?: object };
    return spec ?? {};
  } catch {
    return {};
  }
}
