/** Who the API is at the authorization server, where it asks: introspection and the revocation feed. */

import type { World } from './world.ts'

/** How an API proves itself. Bring your own, or take one of those below. */
export interface ApiCredentials {
  readonly clientId: string
  /** What is added to a form that is posted to the server. */
  readonly show: (issuer: string, world: World) => Promise<ShownCredentials> | ShownCredentials
}

export interface ShownCredentials {
  readonly headers?: { readonly [name: string]: string }
  readonly fields?: { readonly [name: string]: string }
}

/** An assertion lives for so long; each is used once. */
export const assertionSeconds = 60
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** `client_secret_basic` (RFC 6749 §2.3.1). */
export function clientSecret(clientId: string, secret: string): ApiCredentials {
  const pair = [clientId, secret].map(formEncoded).join(':')
  const headers = { authorization: `Basic ${btoa(pair)}` }
  return { clientId, show: () => ({ headers }) }
}

/** `private_key_jwt` (RFC 7523, RFC 10070): `sign` makes a JWT of the claims, wherever the key is. */
export function privateKeyJwt(
  clientId: string,
  sign: (claims: { readonly [name: string]: unknown }) => Promise<string>,
): ApiCredentials {
  return {
    clientId,
    show: async (issuer, world) => {
      const iat = Math.floor(world.nowMs() / 1000)
      const claims = {
        iss: clientId,
        sub: clientId,
        aud: issuer,
        jti: world.uniqueId(),
        iat,
        exp: iat + assertionSeconds,
      }
      return { fields: { client_assertion_type: assertionType, client_assertion: await sign(claims) } }
    },
  }
}

/** `tls_client_auth` (RFC 8705 §2): the connection shows the certificate; give the guard a `fetch` that has it. */
export function tlsClient(clientId: string): ApiCredentials {
  return { clientId, show: () => ({ fields: { client_id: clientId } }) }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length)
}
