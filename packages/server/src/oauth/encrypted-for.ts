/** What only the client can read: a JWE (RFC 7516) to a key that it registered or publishes. */

import { CompactEncrypt } from 'jose'
import type { ClientKey } from '../domain/client/client-key.ts'
import type { Client } from '../domain/client/client.ts'
import type { Encryption, EncryptionAlgorithm } from '../domain/client/token-rules.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

export interface Content {
  readonly text: string
  /** True of a JWT: it says so in the header (RFC 7519 §5.2). */
  readonly isJwt: boolean
}

/**
 * The content, encrypted to the first key of the client that the algorithm can use. Throws `temporarily_unavailable` where
 * there is none to be had: what should be secret is never answered in the clear.
 */
export async function encryptedFor(
  server: Pick<AuthorizationServer, 'clientKeys'>,
  client: Client,
  { algorithm, content: enc }: Encryption,
  content: Content,
): Promise<string> {
  const key = (await server.clientKeys.of(client)).find(one => mayEncrypt(one, algorithm))
  if (key === undefined) {
    throw new OAuthError('temporarily_unavailable', `the client has no key for ${algorithm}`, {
      context: { clientId: client.id },
    })
  }
  const kid = key.kid === null ? {} : { kid: key.kid }
  const header = { alg: algorithm, enc, ...kid, ...(content.isJwt ? { typ: 'JWT', cty: 'JWT' } : {}) }
  return new CompactEncrypt(Buffer.from(content.text)).setProtectedHeader(header).encrypt(key.publicKey)
}

function mayEncrypt(key: ClientKey, algorithm: EncryptionAlgorithm): boolean {
  if (key.use === 'sig' || (key.algorithm !== null && key.algorithm !== algorithm)) return false
  const { asymmetricKeyType } = key.publicKey
  switch (algorithm) {
    case 'RSA-OAEP':
    case 'RSA-OAEP-256':
      return asymmetricKeyType === 'rsa'
    case 'ECDH-ES':
    case 'ECDH-ES+A128KW':
    case 'ECDH-ES+A256KW':
      return asymmetricKeyType === 'ec' || asymmetricKeyType === 'x25519'
  }
}
