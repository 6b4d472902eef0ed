/**
 * Who holds the key: what a request shows of one, by a DPoP proof (RFC 9449), by its TLS certificate (RFC 8705) or by an
 * attestation of its maker, and what follows from it for the rule, for access tokens and for their type. The only place that decides this.
 */

import type { Binding, Proof } from '@pawl/family'
import { isThumbprint } from '@pawl/protocol'
import type { PresentedCertificate } from '../domain/certificate/presented-certificate.ts'
import { type Client, isPublicClient } from '../domain/client/client.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import type { Confirmation } from '../domain/token/issue.ts'
import { type AuthorizationServer, type Parameters, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { attestedThumbprint } from './client-attestation.ts'
import { type GoodProof, goodProof, proofRulesOf, replayedProof } from './dpop-proof.ts'
import { OAuthError } from './oauth-error.ts'

export interface Sender {
  /** For the rule: a confidential client is proven by itself, a public one by its key or not at all. */
  readonly proof: Proof
  /** `cnf` of access tokens that this request is answered with, or null for bearer tokens. */
  readonly confirmation: Confirmation | null
  readonly tokenType: 'Bearer' | 'DPoP'
  /** To be taken before, or together with, whatever the proof is used for; null where there is no proof. */
  readonly mark: Mark | null
}

/**
 * What this request shows, judged by the store's time. Throws `invalid_dpop_proof` or `use_dpop_nonce` for a proof that
 * is no good, and an error for a missing key where the client is registered to show one; nothing has changed then. It
 * reads nothing, so a step may ask in the middle of its decision.
 */
export function senderOf(server: AuthorizationServer, client: Client, request: ProtocolRequest, nowMs: number): Sender {
  if (request.dpop === undefined && !isAskedForKeys(client)) return keyless(client)
  const proof = request.dpop === undefined ? null : proofIn(server, client, { ...request, dpop: request.dpop, nowMs })
  const certificate = client.tlsClientCertificateBoundAccessTokens ? request.certificate : null
  refuseMissing(client, proof, certificate)
  const instance = instanceOf(client, request)
  const binding = instance ?? bindingOf(proof, certificate)
  if (binding === null) return keyless(client)
  return {
    proof: isPublicClient(client) || instance !== null ? { kind: 'key', binding } : clientSender.proof,
    confirmation: confirmationOf(proof, certificate),
    tokenType: proof === null ? 'Bearer' : 'DPoP',
    mark: proof?.mark ?? null,
  }
}

/**
 * Takes the mark by itself, where no step takes it along (`Attempt.mark`). Throws `invalid_dpop_proof` for a proof that
 * was used before.
 */
export async function takeMark(server: AuthorizationServer, client: Client, { mark }: Sender): Promise<void> {
  if (mark === null || (await server.store.marks.take(mark.use, mark.value, mark.expiresAtMs))) return
  throw replayed(client)
}

export function replayed(client: Client): OAuthError {
  return replayedProof({ accessToken: null, context: { clientId: client.id } })
}

/**
 * The DPoP key that a code will be for, or null for any: `dpop_jkt`, or at the endpoint for pushed requests the key of
 * the proof, which count as the same (RFC 9449 §10, §10.1). Throws `invalid_request` where they differ.
 */
export function keyOfCode(client: Client, parameters: Parameters, sender: Sender | null): string | null {
  const asked = valueOf(parameters, 'dpop_jkt') ?? null
  const shown = sender?.confirmation?.jkt ?? null
  const isGood = asked === null || (isThumbprint(asked) && (shown === null || shown === asked))
  if (isGood) return asked ?? shown
  const description = 'dpop_jkt is no thumbprint, or not that of the key in the DPoP proof.'
  throw new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
}

interface ProofRequest extends Pick<ProtocolRequest, 'method' | 'path'> {
  readonly dpop: string
  readonly nowMs: number
}

function proofIn(server: AuthorizationServer, client: Client, request: ProofRequest): GoodProof {
  const { method, path, dpop, nowMs } = request
  const nonceIsRequired = server.rules.dpopNonces
  const context = { clientId: client.id }
  const proven = { method, path, accessToken: null, nonceIsRequired, nowMs, context }
  return goodProof(server, dpop, { ...proven, ...proofRulesOf(client) })
}

/** Most clients are not, and their refresh comes by here. */
function isAskedForKeys(client: Client): boolean {
  const { dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens, authMethod } = client
  return dpopBoundAccessTokens || tlsClientCertificateBoundAccessTokens || authMethod === 'attest_jwt_client_auth'
}

function keyless(client: Client): Sender {
  return isPublicClient(client) ? unknownSender : clientSender
}

/** A client that registered for it never falls back to bearer tokens (RFC 9449 §5.2, RFC 8705 §3.4). */
function refuseMissing(client: Client, proof: GoodProof | null, certificate: PresentedCertificate | null): void {
  const context = { clientId: client.id }
  if (client.dpopBoundAccessTokens && proof === null) {
    throw new OAuthError('invalid_dpop_proof', 'the client is registered to show DPoP proofs, and showed none', {
      context,
    })
  }
  if (client.tlsClientCertificateBoundAccessTokens && certificate === null) {
    throw new OAuthError('invalid_request', 'the client is registered to show a certificate, and showed none', {
      context,
    })
  }
}

/**
 * An attested client is many instances: its families are bound to the key of one, or another instance of the same client
 * could use what it stole. That key is not the one access tokens are bound to.
 */
function instanceOf(client: Client, { attestation }: ProtocolRequest): Binding | null {
  if (client.authMethod !== 'attest_jwt_client_auth' || attestation === null) return null
  return { kind: 'instance', thumbprint: attestedThumbprint(attestation) }
}

function confirmationOf(proof: GoodProof | null, certificate: PresentedCertificate | null): Confirmation | null {
  if (proof === null && certificate === null) return null
  return {
    ...(proof !== null && { jkt: proof.thumbprint }),
    ...(certificate !== null && { 'x5t#S256': certificate.thumbprint }),
  }
}

/** A certificate binds the family where the client is registered for it, a proof otherwise; access tokens both. */
function bindingOf(proof: GoodProof | null, certificate: PresentedCertificate | null): Binding | null {
  if (certificate !== null) return { kind: 'certificate', thumbprint: certificate.thumbprint }
  return proof === null ? null : { kind: 'dpop', thumbprint: proof.thumbprint }
}

const bearer = { confirmation: null, tokenType: 'Bearer', mark: null } as const
const unknownSender: Sender = { ...bearer, proof: { kind: 'none' } }
const clientSender: Sender = { ...bearer, proof: { kind: 'client' } }
