/**
 * Signing in at an upstream provider, there and back. What comes back counts for the browser that left, for the sign-in
 * it left from, and once (MX-05); whom it names is looked up by issuer and subject, and by nothing else (LG-11).
 */

import { hash } from 'node:crypto'
import type { SessionId, Subject } from '@pawl/family'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { newSubject } from '../../domain/identifiers.ts'
import { isOutboundError } from '../../domain/outbound/outbound.ts'
import { shownByUpstream } from '../../domain/session/acr.ts'
import { networkOf } from '../../domain/throttle/network.ts'
import { charge, findOver } from '../../domain/throttle/throttle.ts'
import { type Upstream, type UpstreamAttempt, upstreamSubjectCharactersMax } from '../../domain/upstream/upstream.ts'
import { emailKey } from '../../domain/user/email-key.ts'
import { rememberDevice } from '../../domain/user/known-device.ts'
import type { User } from '../../domain/user/user.ts'
import { tellOfChange } from '../account/tell-owner.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { FirstFactor } from '../authorize/interaction.ts'
import { type BrowserSecrets, openSession, type SignedIn } from '../browser.ts'
import { OAuthError } from '../oauth-error.ts'

/** How long somebody may take at the provider. */
export const attemptSeconds = 600
/** Of one network, in that time: each departure leaves a row for as long. A company behind one address comes to work in it. */
export const departuresPerNetworkMax = 600
/** By which the clock of a provider may differ from ours. */
const clocksApartSeconds = 60

/** Where the person left from. `stateToken` is the page's own, sealed for the same browser. */
export type Errand =
  | { readonly kind: 'sign_in'; readonly stateToken: string }
  | { readonly kind: 'account'; readonly stateToken: string }
  /** From the account page: whoever comes back becomes one with the person of this session. */
  | { readonly kind: 'link'; readonly sessionId: SessionId; readonly subject: Subject }

interface Attempt {
  readonly upstreamId: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly errand: Errand
  /** The person must not have signed in there before this instant; null where anything will do. */
  readonly signedInSinceMs: number | null
}

export interface Leaving {
  readonly upstreamId: string
  readonly errand: Errand
  readonly loginHint: string | null
  /** How long ago the person may have signed in there: what is asked of us is asked of the provider. */
  readonly maxAgeSeconds: number | null
  readonly browserHash: string
  readonly caller: Caller
}

/** The address to go to. Null where there is no such provider; throws an `OAuthError` where it cannot be reached. */
export async function leaveFor(server: AuthorizationServer, leaving: Leaving): Promise<string | null> {
  const { upstreamId, errand, loginHint, maxAgeSeconds, browserHash, caller } = leaving
  const upstream = await server.store.upstreams.read(upstreamId)
  if (upstream === null) return null
  await limitDepartures(server, caller)
  const nowMs = await server.store.now()
  const [state, nonce, codeVerifier] = [randomText(server), randomText(server), randomText(server)]
  const signedInSinceMs = maxAgeSeconds === null ? null : nowMs - (maxAgeSeconds + clocksApartSeconds) * 1000
  const attempt: Attempt = { upstreamId, state, nonce, codeVerifier, errand, signedInSinceMs }
  const kept: UpstreamAttempt = {
    id: attemptIdOf(server, state),
    sealed: server.sealer.sealText(purpose, browserHash, JSON.stringify(attempt)),
    expiresAtMs: nowMs + attemptSeconds * 1000,
  }
  const codeChallenge = hash('sha256', codeVerifier, 'base64url')
  const departure = { state, nonce, codeChallenge, loginHint, maxAgeSeconds }
  const url = await reaching(upstream, () => server.upstreamProviders.departureUrl(upstream, departure))
  await server.store.upstreams.keepAttempt(kept)
  return url
}

export interface Returned {
  /** Whose address they came back to. */
  readonly upstreamId: string
  /** The query as it came, and its `state`. */
  readonly query: string
  readonly state: string | undefined
  /** True where the provider answered with an error: the person said no there, or was refused. */
  readonly isRefused: boolean
  readonly browserHash: string
  readonly browser: BrowserSecrets
  readonly caller: Caller
}

export type ReturnOutcome =
  /** Nobody left from this browser with that, or too long ago, or it was answered before. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused' | 'unlinked'; readonly errand: Errand; readonly name: string }
  | { readonly kind: 'signed_in'; readonly errand: Errand; readonly signedIn: SignedIn }
  /** This person has a second factor here, and a provider does not stand in for it. */
  | { readonly kind: 'half'; readonly errand: Errand; readonly firstFactor: FirstFactor }
  | { readonly kind: 'linked'; readonly errand: Errand; readonly name: string }
  | { readonly kind: 'link_taken'; readonly errand: Errand; readonly name: string }

export async function comeBack(server: AuthorizationServer, returned: Returned): Promise<ReturnOutcome> {
  const attempt = await takeAttempt(server, returned)
  // Somebody who left for one provider and comes back from another was passed on by the first.
  if (attempt === null || attempt.upstreamId !== returned.upstreamId) return { kind: 'stale' }
  const { upstreamId, errand, state, nonce, codeVerifier } = attempt
  const upstream = await server.store.upstreams.read(upstreamId)
  if (upstream === null) return { kind: 'stale' }
  if (returned.isRefused) return { kind: 'refused', errand, name: upstream.name }
  // The time first: a cut-off set while the provider is being asked covers what is opened with its answer (I3).
  const authTimeMs = await server.store.now()
  const arrival = { query: returned.query, state, nonce, codeVerifier }
  const claims = await reaching(upstream, () => server.upstreamProviders.arrivalClaims(upstream, arrival))
  if (claims === null || !isSomebody(claims.sub) || !isFresh(attempt, claims.auth_time)) {
    return { kind: 'refused', errand, name: upstream.name }
  }
  const person: Person = {
    upstreamSubject: claims.sub,
    email: typeof claims['email'] === 'string' ? claims['email'] : null,
    isEmailVerified: claims['email_verified'] === true,
  }
  const { caller } = returned
  if (errand.kind === 'link') return linkPerson(server, { upstream, person, caller, errand, atMs: authTimeMs })
  const user = await userBehind(server, { upstream, person, caller, atMs: authTimeMs })
  if (user === null || user.disabled) return { kind: 'unlinked', errand, name: upstream.name }
  return signInAs(server, { user, authTimeMs, errand, returned })
}

/** OIDC Core §2: no longer than 255 characters of ASCII. */
/** OIDC Core §2: at most 255 ASCII characters. */
function isSomebody(upstreamSubject: string): boolean {
  return upstreamSubject.length <= upstreamSubjectCharactersMax && /^[\x20-\x7e]+$/.test(upstreamSubject)
}

/** A provider that does not say when is believed to have asked just now: some never say (OIDC Core §2 wants them to). */
function isFresh({ signedInSinceMs }: Attempt, authTimeSeconds: number | undefined): boolean {
  return signedInSinceMs === null || authTimeSeconds === undefined || authTimeSeconds * 1000 >= signedInSinceMs
}

/** What a provider says of somebody. The address is worth something only where it says that it was verified. */
interface Person {
  readonly upstreamSubject: string
  readonly email: string | null
  readonly isEmailVerified: boolean
}

async function takeAttempt(server: AuthorizationServer, returned: Returned): Promise<Attempt | null> {
  if (returned.state === undefined) return null
  const kept = await server.store.upstreams.takeAttempt(attemptIdOf(server, returned.state))
  if (kept === null || (await server.store.now()) >= kept.expiresAtMs) return null
  const text = server.sealer.openText(purpose, returned.browserHash, kept.sealed)
  // What only we can have sealed has the shape we gave it.
  return text === null ? null : (JSON.parse(text) as Attempt)
}

interface Meeting {
  readonly upstream: Upstream
  readonly person: Person
  readonly caller: Caller
  readonly atMs: number
}

/** Whoever is linked; or somebody new, where the operator gives accounts to new people and the provider vouches. */
async function userBehind(server: AuthorizationServer, meeting: Meeting): Promise<User | null> {
  const { upstream, person } = meeting
  const known = await linkedUser(server, meeting)
  if (known !== 'nobody') return known
  if (!upstream.createsUsers || !person.isEmailVerified || person.email === null) return null
  if (!isPlainAddress(person.email)) return null
  const created = await createUser(server, meeting, person.email)
  if (created !== null) return created
  // Somebody who comes back in two tabs at once is new in one of them only.
  const again = await linkedUser(server, meeting)
  return again === 'nobody' ? null : again
}

async function linkedUser(server: AuthorizationServer, { upstream, person }: Meeting): Promise<User | 'nobody' | null> {
  const link = await server.store.upstreams.readLink(upstream.id, person.upstreamSubject)
  return link === null ? 'nobody' : ((await server.store.users.read(link.subject))?.user ?? null)
}

/** One that only reads like another is another mailbox, and nobody has vouched for the one it reads like. */
function isPlainAddress(email: string): boolean {
  return emailKey(email) !== null && email.normalize('NFKC') === email
}

/** Null where the address has an account: whoever it belongs to signs in to it first, and links by themselves. */
async function createUser(server: AuthorizationServer, meeting: Meeting, email: string): Promise<User | null> {
  const { upstream, person, caller, atMs } = meeting
  const user: User = {
    subject: newSubject(server.entropy),
    email,
    emailVerified: true,
    // Right for no password: this person has none until they choose one by mail.
    passwordHash: server.passwords.dummyPhc,
    claims: {},
    disabled: false,
    createdAtMs: atMs,
  }
  const about = { subject: user.subject, caller, atMs, detail: { upstream: upstream.id } }
  const events = (['user_added', 'upstream_linked'] as const).map(kind => newEvent(kind, about, server.entropy))
  const { upstreamSubject } = person
  const link = { upstreamId: upstream.id, upstreamSubject, subject: user.subject, createdAtMs: atMs }
  return (await server.store.upstreams.addUser(user, link, events)) === 'done' ? user : null
}

async function linkPerson(
  server: AuthorizationServer,
  linking: Meeting & { readonly errand: Errand & { readonly kind: 'link' } },
): Promise<ReturnOutcome> {
  const { upstream, person, caller, errand, atMs } = linking
  const session = await server.store.sessions.read(errand.sessionId)
  const { name } = upstream
  if (session === null || session.subject !== errand.subject) return { kind: 'stale' }
  const { upstreamSubject } = person
  const link = { upstreamId: upstream.id, upstreamSubject, subject: session.subject, createdAtMs: atMs }
  const about = { subject: session.subject, sessionId: session.id, caller, atMs, detail: { upstream: upstream.id } }
  const outcome = await server.store.upstreams.link(link, [newEvent('upstream_linked', about, server.entropy)])
  if (outcome !== 'done') return { kind: 'link_taken', errand, name }
  tellOfChange(server, session.subject, 'upstream_linked')
  return { kind: 'linked', errand, name }
}

async function signInAs(
  server: AuthorizationServer,
  signing: {
    readonly user: User
    readonly authTimeMs: number
    readonly errand: Errand
    readonly returned: Returned
  },
): Promise<ReturnOutcome> {
  const { user, authTimeMs, errand, returned } = signing
  const { totp } = await server.store.credentials.ofUser(user.subject)
  if (totp !== null) {
    return { kind: 'half', errand, firstFactor: { subject: user.subject, authTimeMs, amr: shownByUpstream.amr } }
  }
  const { browser, caller } = returned
  const means = { hashes: server.hasher, entropy: server.entropy }
  const deviceSecret = rememberDevice(means, browser.device, emailKey(user.email) ?? '')
  const opening = { subject: user.subject, authTimeMs, shown: shownByUpstream, deviceSecret, browser, caller }
  return { kind: 'signed_in', errand, signedIn: await openSession(server, opening) }
}

async function limitDepartures(server: AuthorizationServer, caller: Caller): Promise<void> {
  const key = server.hasher.keyOf('upstream-departures', networkOf(caller.address))
  const limit = { name: 'upstream', key, failuresMax: departuresPerNetworkMax, windowSeconds: attemptSeconds }
  // Asked first: whoever goes on against a full limit costs a read.
  const over = await findOver(server.store.throttles, [limit])
  if (over === null && (await charge(server.store.throttles, [limit])).kind === 'within') return
  throw new OAuthError('too_many_requests', 'too many departures for upstream providers from one network')
}

/** Whatever goes wrong over there is theirs to mend, and one page for the person; the reason goes to the log. */
async function reaching<T>(upstream: Upstream, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const isAway = isOutboundError(cause)
    const reason = cause instanceof Error ? cause.message : 'unknown'
    const detail = `upstream ${upstream.id} ${isAway ? 'cannot be reached' : 'gave no good answer'}: ${reason.slice(0, 300)}`
    const description = `Signing in at ${upstream.name} did not work. Please try again, or sign in another way.`
    throw new OAuthError(isAway ? 'temporarily_unavailable' : 'access_denied', detail, {
      description,
      status: isAway ? 503 : 400,
      cause,
    })
  }
}

const purpose = 'upstream-attempt'

function attemptIdOf(server: AuthorizationServer, state: string): string {
  return server.hasher.keyOf('upstream-state', state)
}

function randomText(server: AuthorizationServer): string {
  return Buffer.from(server.entropy.bytes(32)).toString('base64url')
}
