import type { Authorizer } from '../authorization/authorizer.ts';
import { accessReviews, reviewResponder } from '../authorization/reviews.ts';
import type { Store } from '../core/store.ts';
import { Authenticator } from '../identity/authenticator.ts';
import { issuerDocuments } from '../identity/issuer-documents.ts';
import { ServiceAccountTokens } from '../identity/service-account-tokens.ts';
import type { SigningKey } from '../identity/signing-key.ts';
import { TokenRequests } from '../identity/token-request.ts';
import { identityReviews } from '../identity/token-review.ts';
import type { ApiRequest } from '../seam.ts';
import type { ApiServerOptions } from './api-server.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';

interface Access {
  readonly store: Store;
  readonly authorizer: Authorizer;
}

/** Who requests are from, and what they may do. */
export function createIdentity({ store, authorizer }: Access, options: ApiServerOptions, key: SigningKey) {
  const { tokens, anonymous, serviceAccountIssuer: issuer = ISSUER } = options;
  const serviceAccounts = new ServiceAccountTokens({ store, key, issuer });
  const audiences = [issuer];
  const authenticator = new Authenticator({ tokens, anonymous, serviceAccounts, audiences });
  const tokenRequests = new TokenRequests({ store, tokens: serviceAccounts, audiences });
  const reviews = reviewResponder([...accessReviews(authorizer), ...identityReviews(authenticator)]);
  const documents = issuerDocuments(issuer, key);
  const respond = async (request: ApiRequest) => documents(request) ?? (await reviews(request));
  return { authorizer, authenticator, tokenRequests, reviews: respond };
}
