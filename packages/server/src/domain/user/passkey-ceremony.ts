/**
 * What a browser is asked for, and what it may answer, when a passkey is made or used (WebAuthn Level 3 §7.1, §7.2).
 * User verification is always required: a passkey is then two factors, and no password is asked for beside it. What the
 * authenticator is made by is not asked, so attestation is neither wanted nor believed.
 */

import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Subject } from '@pawl/family'
import { parseSubject } from '../identifiers.ts'
import { type Passkey, passkeysPerUserMax } from './credentials.ts'

/** Who asks: the issuer, as WebAuthn sees it. */
export interface RelyingParty {
  /** A domain; passkeys are bound to it. */
  readonly id: string
  readonly origin: string
}

/** Null where the issuer's host is an address: passkeys are bound to names alone (WebAuthn §5.1.2). */
export function relyingPartyOf(issuer: string): RelyingParty | null {
  const { hostname, origin } = new URL(issuer)
  return /^\[|^[\d.]+$/.test(hostname) ? null : { id: hostname, origin }
}

/** A registration response is about a kilobyte; this bounds what is parsed. */
export const ceremonyCharactersMax = 8192

/** How long the browser waits for its user. */
const ceremonyMsMax = 300_000
/** EdDSA, ES256 and RS256 (IANA COSE): what authenticators of today make. */
const algorithms = [-8, -7, -257]

export interface NewPasskeyFor {
  readonly subject: Subject
  readonly email: string
  readonly known: readonly Passkey[]
}

/** `PublicKeyCredentialCreationOptionsJSON`. An authenticator that holds a passkey of this user already makes no second one. */
export function creationOptions(party: RelyingParty, challenge: string, user: NewPasskeyFor): object {
  return {
    rp: { id: party.id, name: party.id },
    user: { id: base64url(user.subject), name: user.email, displayName: user.email },
    challenge,
    pubKeyCredParams: algorithms.map(alg => ({ type: 'public-key', alg })),
    timeout: ceremonyMsMax,
    excludeCredentials: user.known.map(described),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none',
  }
}

/** `PublicKeyCredentialRequestOptionsJSON`. Without `known` the browser offers whichever passkeys it has for us. */
export function requestOptions(party: RelyingParty, challenge: string, known: readonly Passkey[] = []): object {
  const allowCredentials = known.slice(0, passkeysPerUserMax).map(described)
  return { rpId: party.id, challenge, timeout: ceremonyMsMax, userVerification: 'required', allowCredentials }
}

/** What is to be kept of a new passkey, and nobody's yet. */
export type MadePasskey = Pick<Passkey, 'id' | 'publicKey' | 'counter' | 'transports'>

/** The passkey a browser made for this challenge; null for everything else, and why does not matter. */
export async function checkCreation(
  party: RelyingParty,
  challenge: string,
  answer: string,
): Promise<MadePasskey | null> {
  const response = parsed(answer)
  if (response === null) return null
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      // The library checks the shape of what it reads.
      response: response as unknown as RegistrationResponseJSON,
      ...expected(party, challenge),
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) return null
    const { id, publicKey, counter, transports = [] } = registrationInfo.credential
    if (!isCredentialId(id)) return null
    return { id, publicKey, counter, transports: transports.filter(isTransport).slice(0, transportsMax) }
  } catch {
    // The library throws for whatever differs from what was asked for: that is the answer.
    return null
  }
}

/** Which passkey an answer claims to be of, and of whom; nothing of it is proved yet. Null for what is no answer. */
export interface ClaimedUse {
  readonly passkeyId: string
  readonly subject: Subject | null
  readonly response: object
}

export function readUse(answer: string): ClaimedUse | null {
  const response = parsed(answer)
  if (response === null || !('id' in response) || !isCredentialId(response.id)) return null
  const inner = 'response' in response ? response.response : null
  const handle = typeof inner === 'object' && inner !== null && 'userHandle' in inner ? inner.userHandle : null
  const subject = typeof handle === 'string' ? parseSubject(Buffer.from(handle, 'base64url').toString('utf8')) : null
  return { passkeyId: response.id, subject, response }
}

export type UseChecked =
  | { readonly kind: 'right'; readonly counter: number }
  | { readonly kind: 'wrong' }
  /** Everything is right but the count: there may be a copy of the authenticator (WebAuthn §6.1.1). */
  | { readonly kind: 'cloned' }

export async function checkUse(
  party: RelyingParty,
  challenge: string,
  use: ClaimedUse,
  passkey: Passkey,
): Promise<UseChecked> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: use.response as unknown as AuthenticationResponseJSON,
      ...expected(party, challenge),
      // The count is judged here, once the signature has been: only then does it mean anything.
      credential: { id: passkey.id, publicKey: Uint8Array.from(passkey.publicKey), counter: uncounted },
    })
    if (!verified) return { kind: 'wrong' }
    const counter = authenticationInfo.newCounter
    const isOlder = (counter > 0 || passkey.counter > 0) && counter <= passkey.counter
    return isOlder ? { kind: 'cloned' } : { kind: 'right', counter }
  } catch {
    // As above: another challenge, origin, domain, key, or a user who was not verified.
    return { kind: 'wrong' }
  }
}

/** WebAuthn §7.1 step 25: no longer than 1,023 bytes, in base64url. Nobody is asked about what cannot be an id. */
function isCredentialId(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,1364}$/.test(id)
}

/** Below every count, so that the library lets each pass. */
const uncounted = -1
const transportsMax = 8

function expected(party: RelyingParty, challenge: string) {
  return {
    expectedChallenge: challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserVerification: true,
  }
}

function described({ id, transports }: Passkey): object {
  return { type: 'public-key', id, transports }
}

function isTransport(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z-]{1,32}$/.test(text)
}

function parsed(answer: string): object | null {
  if (answer.length > ceremonyCharactersMax) return null
  try {
    const value: unknown = JSON.parse(answer)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    // JSON.parse has no other way to say that a text is not JSON.
    return null
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
