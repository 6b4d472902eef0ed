/**
 * An instance of a client vouched for by its maker (draft-ietf-oauth-attestation-based-client-auth-10): the attestation
 * says which key the instance holds, a proof made with that key says that it is here now. The maker's keys are registered
 * with the client; the proof is for this server alone, carries a challenge of ours, and is good once.
 */

import { hash } from 'node:crypto'
import { thumbprintText } from '@pawl/protocol'
import type { Client } from '../domain/client/client.ts'
import { type ClientKey, isKey, judgeKey } from '../domain/client/client-key.ts'
import { registeredKeys } from '../domain/client/client-keys.ts'
import {
  type ForeignJwt,
  isSignedByNobody,
  isSignedByOneOf,
  numericDateMs,
  parseForeignJwt,
  soleAudienceOf,
} from '../domain/token/foreign-jwt.ts'
import type { AuthorizationServer, ProtocolRequest, ShownAttestation } from './authorization-server.ts'
import { isCurrentChallenge } from './attestation-challenge.ts'
import { clockSkewSeconds, type Judged, tokenIdCharactersMax } from './client-assertion.ts'
import { goodProof } from './dpop-proof.ts'

/** How old a proof may be by its own `iat`; its mark is kept as long. */
export const attestationProofSecondsMax = 300

const attestationType = 'oauth-client-attestation+jwt'
const proofType = 'oauth-client-attestation-pop+jwt'

/** `wantsChallenge`: all is well but for the challenge, which the client gets with the answer. */
export type JudgedAttestation = Judged | { readonly wantsChallenge: true }

export interface AttestedRequest extends ProtocolRequest {
  readonly attestation: ShownAttestation
}

/** Judges attestation and proof for the client named. Where there is none, it does about the same work. */
export async function judgeAttestation(
  server: AuthorizationServer,
  client: Client | null,
  request: AttestedRequest,
): Promise<JudgedAttestation> {
  const nowMs = await server.store.now()
  const shown = request.attestation
  const [attestation, proof] = [parseForeignJwt(shown.attestation), parseForeignJwt(shown.proof)]
  const isCombined = shown.proof === '' && request.dpop !== undefined
  if (attestation === null || (proof === null && !isCombined)) return { flaw: 'the attestation or its proof is no JWT' }
  const attesters = client?.authMethod === 'attest_jwt_client_auth' ? attesterKeys(client, attestation.kid) : []
  const isAttested = await isSignedByOneOf(attestation, attesters)
  const instance = isAttested ? instanceKeyOf(attestation) : null
  const isProven = proof === null || (await isSignedBy(proof, instance))
  if (client === null || !isAttested) return { flaw: 'no attester of it has signed the attestation' }
  if (instance === null || !isProven) return { flaw: 'the key that was attested has not signed the proof' }
  const flaw = judgeAttested(client, attestation, nowMs)
  if (flaw !== null) return { flaw }
  const attested = { client, instance, nowMs }
  return proof === null ? judgeCombined(server, attested, request) : judgeProof(server, attested, proof)
}

function isSignedBy(proof: ForeignJwt, instance: ClientKey | null): Promise<boolean> {
  return instance === null ? isSignedByNobody(proof) : isSignedByOneOf(proof, [instance])
}

interface Attested {
  readonly client: Client
  readonly instance: ClientKey
  readonly nowMs: number
}

/**
 * The thumbprint (RFC 7638) of the instance's key: refresh tokens are bound to it, and not to the client alone. Only of a
 * request that was authenticated by its attestation: nothing is verified here.
 */
export function attestedThumbprint({ attestation }: ShownAttestation): string {
  const parsed = parseForeignJwt(attestation)
  const key = parsed === null ? null : instanceKeyOf(parsed)
  if (key === null) throw new TypeError('an attestation that was taken names no key')
  return thumbprintOf(key)
}

function thumbprintOf({ jwk }: ClientKey): string {
  return hash('sha256', thumbprintText(jwk), 'base64url')
}

function attesterKeys(client: Client, kid: string | null): readonly ClientKey[] {
  const keys = registeredKeys({ jwks: client.attesterJwks })
  return kid === null ? keys : keys.filter(key => key.kid === kid)
}

function instanceKeyOf({ claims: { cnf } }: ForeignJwt): ClientKey | null {
  const judged = judgeKey(typeof cnf === 'object' && cnf !== null && 'jwk' in cnf ? cnf.jwk : null)
  return isKey(judged) ? judged : null
}

/** The attestation may live for long: the instance sends the same one again and again. */
function judgeAttested(client: Client, { type, claims }: ForeignJwt, nowMs: number): string | null {
  if (type !== attestationType) return 'the attestation is a token of another type'
  if (claims['sub'] !== client.id) return 'the attestation is for another client'
  const expiresAtMs = numericDateMs(claims['exp'])
  if (expiresAtMs === null || expiresAtMs <= nowMs) return 'the attestation is over, or has no end'
  return isAhead(claims, nowMs) ? 'the attestation begins in the future' : null
}

/** The proof of its own header. Its signature has been verified. */
function judgeProof(server: AuthorizationServer, { client, nowMs }: Attested, proof: ForeignJwt): JudgedAttestation {
  const flaw = judgeProofClaims(proof, server.issuer, nowMs)
  if (flaw !== null) return { flaw }
  const { challenge, jti } = proof.claims
  if (!isCurrentChallenge(server.hasher, challenge, nowMs)) return { wantsChallenge: true }
  const expiresAtMs = nowMs + (attestationProofSecondsMax + clockSkewSeconds) * 1000
  return { mark: { use: 'attestation', value: `${client.id} ${String(jti)}`, expiresAtMs } }
}

/**
 * One DPoP proof in the place of both: made with the attested key, and with a nonce of ours, which
 * stands for the challenge. It is marked here apart from its use as a DPoP proof, for endpoints where it has no other.
 */
function judgeCombined(
  server: AuthorizationServer,
  { client, instance, nowMs }: Attested,
  { dpop = '', method, path }: AttestedRequest,
): JudgedAttestation {
  const context = { clientId: client.id }
  const good = goodProof(server, dpop, { method, path, accessToken: null, nonceIsRequired: true, nowMs, context })
  if (good.thumbprint !== thumbprintOf(instance)) return { flaw: 'the DPoP proof is not made with the attested key' }
  const { value, expiresAtMs } = good.mark
  return { mark: { use: 'attestation', value: `${client.id} dpop ${value}`, expiresAtMs } }
}

function judgeProofClaims(proof: ForeignJwt, issuer: string, nowMs: number): string | null {
  const { type, claims } = proof
  if (type !== proofType) return 'the proof is a token of another type'
  if (soleAudienceOf(proof) !== issuer) return 'aud of the proof is not the issuer alone'
  const { jti } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > tokenIdCharactersMax)
    return 'jti of the proof is no short text'
  const issuedAtMs = numericDateMs(claims['iat'])
  if (issuedAtMs === null || issuedAtMs <= nowMs - attestationProofSecondsMax * 1000) return 'the proof is too old'
  return isAhead(claims, nowMs) ? 'the proof begins in the future' : null
}

function isAhead(claims: ForeignJwt['claims'], nowMs: number): boolean {
  return ['iat', 'nbf'].some(name => {
    if (claims[name] === undefined) return false
    const atMs = numericDateMs(claims[name])
    return atMs === null || atMs > nowMs + clockSkewSeconds * 1000
  })
}
