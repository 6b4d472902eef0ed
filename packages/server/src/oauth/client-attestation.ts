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
import type { AuthorizationServer, ShownAttestation } from './authorization-server.ts'
import { isCurrentChallenge } from './attestation-challenge.ts'
import { clockSkewSeconds, type Judged, tokenIdCharactersMax } from './client-assertion.ts'

/** How old a proof may be by its own `iat`; its mark is kept as long. */
export const attestationProofSecondsMax = 300

const attestationType = 'oauth-client-attestation+jwt'
const proofType = 'oauth-client-attestation-pop+jwt'

/** `wantsChallenge`: all is well but for the challenge, which the client gets with the answer. */
export type JudgedAttestation = Judged | { readonly wantsChallenge: true }

/** Judges attestation and proof for the client named. Where there is none, it does about the same work. */
export async function judgeAttestation(
  server: AuthorizationServer,
  client: Client | null,
  shown: ShownAttestation,
): Promise<JudgedAttestation> {
  const nowMs = await server.store.now()
  const [attestation, proof] = [parseForeignJwt(shown.attestation), parseForeignJwt(shown.proof)]
  if (attestation === null || proof === null) return { flaw: 'the attestation or its proof is no JWT' }
  const attesters = client?.authMethod === 'attest_jwt_client_auth' ? attesterKeys(client, attestation.kid) : []
  const isAttested = await isSignedByOneOf(attestation, attesters)
  const instance = isAttested ? instanceKeyOf(attestation) : null
  const isProven = instance === null ? await isSignedByNobody(proof) : await isSignedByOneOf(proof, [instance])
  if (client === null || !isAttested) return { flaw: 'no attester of it has signed the attestation' }
  if (!isProven) return { flaw: 'the key that was attested has not signed the proof' }
  const flaw = judgeAttested(client, attestation, nowMs) ?? judgeProof(proof, server.issuer, nowMs)
  if (flaw !== null) return { flaw }
  if (!isCurrentChallenge(server.hasher, proof.claims['challenge'], nowMs)) return { wantsChallenge: true }
  const expiresAtMs = nowMs + (attestationProofSecondsMax + clockSkewSeconds) * 1000
  return { mark: { use: 'attestation', value: `${client.id} ${String(proof.claims['jti'])}`, expiresAtMs } }
}

/**
 * The thumbprint (RFC 7638) of the instance's key: refresh tokens are bound to it, and not to the client alone (§11.2 of
 * the draft). Only of a request that was authenticated by its attestation: nothing is verified here.
 */
export function attestedThumbprint({ attestation }: ShownAttestation): string {
  const parsed = parseForeignJwt(attestation)
  const key = parsed === null ? null : instanceKeyOf(parsed)
  if (key === null) throw new TypeError('an attestation that was taken names no key')
  return hash('sha256', thumbprintText(key.jwk), 'base64url')
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

function judgeProof(proof: ForeignJwt, issuer: string, nowMs: number): string | null {
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
