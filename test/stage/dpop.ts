/** A client's DPoP key, and the proofs it makes: with `jose`, so that nothing of the server's own code judges itself. */

import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Ground } from './browser.ts'

export interface DpopKey {
  readonly thumbprint: string
  readonly publicJwk: object
  /** A proof as a header. Each is a new one, unless `tokenId` says otherwise. */
  readonly proof: (of: ProofOf) => Promise<{ readonly dpop: string }>
}

export interface ProofOf {
  readonly path?: string
  readonly method?: string
  readonly nonce?: string
  readonly accessToken?: string
  readonly tokenId?: string
  /** Added to the time that stands in it. */
  readonly aheadSeconds?: number
  /** Over everything else; undefined takes a member away. */
  readonly header?: { readonly [name: string]: unknown }
  readonly claims?: { readonly [name: string]: unknown }
}

type Told = Ground & { readonly clock: { readonly nowMs: () => number } }

/** A key of this algorithm, new. */
export async function dpopKey(stage: Told, algorithm = 'ES256'): Promise<DpopKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  let proofs = 0
  const thumbprint = await calculateJwkThumbprint(publicJwk)
  return {
    thumbprint,
    publicJwk,
    proof: async of => {
      proofs += 1
      const { path = '/token', method = 'POST', nonce, accessToken, aheadSeconds = 0 } = of
      const claims = {
        jti: of.tokenId ?? `${thumbprint} ${proofs}`,
        htm: method,
        htu: stage.issuer + path,
        iat: Math.floor(stage.clock.nowMs() / 1000) + aheadSeconds,
        nonce,
        ath: accessToken === undefined ? undefined : createHash('sha256').update(accessToken).digest('base64url'),
        ...of.claims,
      }
      const header = { alg: algorithm, typ: 'dpop+jwt', jwk: publicJwk, ...of.header }
      return { dpop: await new SignJWT(claims).setProtectedHeader(header).sign(privateKey) }
    },
  }
}
