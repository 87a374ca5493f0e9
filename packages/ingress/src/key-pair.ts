import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@podwire/base';

/** What every OpenSSL that HAProxy may be linked with can serve; Node's own may know more. */
const KEY_TYPES: readonly (string | undefined)[] = ['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448'];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

type KeyPair = { readonly pem: string } | { readonly fault: string };

/** Objects of the API do not change, and OpenSSL takes half a millisecond. */
const known = new WeakMap<object, KeyPair>();

/**
 * The chain and key of a kubernetes.io/tls Secret as one PEM, or why they cannot be used: HAProxy refuses its whole
 * configuration for one bad file. The text is written anew, so nothing but certificates and a key gets into the file, and
 * OpenSSL is asked as HAProxy would ask it: it refuses keys that are too short, too.
 */
export function readKeyPair(data: Readonly<Record<string, string>>): KeyPair {
  const pair = known.get(data) ?? examine(data);
  known.set(data, pair);
  return pair;
}

function examine(data: Readonly<Record<string, string>>): KeyPair {
  const [cert = '', key = ''] = ['tls.crt', 'tls.key'].map((field) =>
    Buffer.from(data[field] ?? '', 'base64').toString(),
  );
  if (cert === '' || key === '') return { fault: 'holds no tls.crt and tls.key' };
  try {
    const chain = (cert.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    const privateKey = createPrivateKey(key);
    if (!chain[0]) return { fault: 'holds no certificate in tls.crt' };
    if (!chain[0].checkPrivateKey(privateKey)) return { fault: 'holds a tls.key that is not the key of its tls.crt' };
    const { asymmetricKeyType: type } = privateKey;
    if (!KEY_TYPES.includes(type)) return { fault: `holds a key of type ${type}, which is not served` };
    const [certificates, keyText] = [chain.join(''), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()];
    createSecureContext({ cert: certificates, key: keyText, ca: certificates });
    return { pem: `${certificates}${keyText}` };
  } catch (error) {
    return { fault: `holds a tls.crt or tls.key that cannot be read (${messageOf(error)})` };
  }
}
