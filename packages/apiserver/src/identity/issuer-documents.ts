import type { ApiRequest, ApiResponse } from '../seam.ts';
import { publicJwk, type SigningKey } from './signing-key.ts';

const CACHED = { 'cache-control': 'public, max-age=3600' };

/**
 * What others need to verify tokens of service accounts themselves: OpenID Connect Discovery 1.0 and JWK Set
 * (RFC 7517). Undefined for other paths.
 */
export function issuerDocuments(
  issuer: string,
  key: SigningKey,
): (request: Pick<ApiRequest, 'method' | 'path'>) => ApiResponse | undefined {
  const configuration = {
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, '')}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
  const documents = new Map<string, ApiResponse>([
    ['/.well-known/openid-configuration', answer(configuration, 'application/json')],
    ['/openid/v1/jwks', answer({ keys: [publicJwk(key)] }, 'application/jwk-set+json')],
  ]);
  return ({ method, path }) =>
    method === 'GET' || method === 'HEAD' ? documents.get(path.replace(/\/$/, '')) : undefined;
}

function answer(document: object, type: string): ApiResponse {
  return { status: 200, headers: { ...CACHED, 'content-type': type }, body: JSON.stringify(document) };
}
