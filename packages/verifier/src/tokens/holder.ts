/**
 * Whether a request comes from whoever the token is bound to: shown by a DPoP proof (RFC 9449 §7) or by the certificate of
 * the connection (RFC 8705 §3). A bound token is never a bearer token as well.
 */

import { type Fault, fault, isFault, ServerUnavailable } from '../fault.ts'
import type { GuardSettings } from '../guard-options.ts'
import type { Access } from '../verdict.ts'
import type { Confirmation } from './access-token-claims.ts'
import type { DpopProofs } from './dpop-proofs.ts'
import type { Credential, Presented } from './presented.ts'
import { sha256 } from './sha256.ts'

export interface HolderParts {
  readonly proofs: DpopProofs
  readonly settings: Pick<GuardSettings, 'origins' | 'boundTokensOnly' | 'nonces' | 'marks' | 'world'>
}

export interface HolderRequest {
  readonly presented: Presented
  readonly credential: Credential
  readonly confirmation: Confirmation
}

export interface ProvenHolder {
  readonly binding: Access['binding']
}

export async function proveHolder(parts: HolderParts, request: HolderRequest): Promise<ProvenHolder | Fault> {
  const { presented, credential, confirmation } = request
  const { keyThumbprint, certificateThumbprint } = confirmation
  const misfit = judgeScheme(credential, confirmation, parts.settings.boundTokensOnly)
  if (misfit !== null) return misfit
  if (certificateThumbprint !== null && !(await isShown(presented, certificateThumbprint))) {
    return fault('invalid_token', 'it is bound to a certificate that the connection does not show')
  }
  if (keyThumbprint !== null) {
    const unproven = await proveKey(parts, request, keyThumbprint)
    if (unproven !== null) return unproven
  }
  if (keyThumbprint !== null) return { binding: certificateThumbprint === null ? 'dpop' : 'both' }
  return { binding: certificateThumbprint === null ? 'none' : 'certificate' }
}

function judgeScheme(
  { scheme }: Credential,
  { keyThumbprint, certificateThumbprint }: Confirmation,
  boundOnly: boolean,
): Fault | null {
  if (keyThumbprint !== null && scheme === 'Bearer') {
    return { ...fault('invalid_token', 'it is bound to a DPoP key and came as a bearer token'), scheme: 'DPoP' }
  }
  if (keyThumbprint === null && scheme === 'DPoP') {
    return {
      ...fault('invalid_token', 'it came with a proof and is bound to no key'),
      scheme: boundOnly ? 'DPoP' : 'Bearer',
    }
  }
  const isBound = keyThumbprint !== null || certificateThumbprint !== null
  return boundOnly && !isBound
    ? fault('invalid_token', 'it is a bearer token, and this API takes bound ones alone')
    : null
}

async function isShown({ clientCertificate }: Presented, thumbprint: string): Promise<boolean> {
  if (clientCertificate === undefined || clientCertificate === null) return false
  return (await sha256(clientCertificate)) === thumbprint
}

/** The mark is taken last: a proof that is refused for something else was not used. */
async function proveKey(parts: HolderParts, request: HolderRequest, thumbprint: string): Promise<Fault | null> {
  const { presented, credential } = request
  const { world, nonces, marks, origins } = parts.settings
  if (presented.dpop === null) return fault('invalid_dpop_proof', 'there is no DPoP proof')
  if (origins.length === 0)
    return fault('invalid_dpop_proof', 'this API does not know its own address: name its origins')
  const nowMs = world.nowMs()
  const proof = await parts.proofs.judge(presented.dpop, {
    method: presented.method,
    urls: urlsOf(presented.url, origins),
    accessToken: credential.token,
    livingNonces: await nonces.living(nowMs),
    nowMs,
  })
  if (isFault(proof)) return proof
  if (proof.thumbprint !== thumbprint) return fault('invalid_token', 'it is bound to another DPoP key')
  switch (await marks.take(proof.mark, proof.expiresAtMs)) {
    case 'taken':
      return null
    case 'used before':
      return fault('invalid_dpop_proof', 'the DPoP proof was used before')
    case 'full':
      throw new ServerUnavailable('there is no room for another DPoP proof')
  }
}

/** The path is the request's, where it has one; the origin is what we know of ourselves, because whoever calls writes `Host`. */
function urlsOf(url: string, origins: readonly string[]): readonly string[] {
  const path = URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/)[0] ?? '')
  return path.startsWith('/') ? origins.map(origin => origin + path) : []
}
