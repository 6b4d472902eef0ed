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
import { charge } from '../../domain/throttle/throttle.ts'
import {
  type Upstream,
  type UpstreamAttempt,
  upstreamSubjectCharactersMax,
} from '../../domain/upstream/upstream.ts'
import { emailKey } from '../../domain/user/email-key.ts'
import { rememberDevice } from '../../domain/user/known-device.ts'
import type { User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { FirstFactor } from '../authorize/interaction.ts'
import { type BrowserSecrets, openSession, type SignedIn } from '../browser.ts'
import { OAuthError } from '../oauth-error.ts'
import { arrivalClaims, departureUrl } from './provider.ts'

/** How long somebody may take at the provider. */
export const attemptSeconds = 600
/** Of one network: each departure leaves a row for as long. */
export const departuresPerNetworkMax = 60

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
}

export interface Leaving {
  readonly upstreamId: string
  readonly errand: Errand
  readonly loginHint: string | null
  readonly browserHash: string
  readonly caller: Caller
}

/** The address to go to. Null where there is no such provider; throws an `OAuthError` where it cannot be reached. */
export async function leaveFor(server: AuthorizationServer, leaving: Leaving): Promise<string | null> {
  const { upstreamId, errand, browserHash, caller } = leaving
  const upstream = await server.store.upstreams.read(upstreamId)
  if (upstream === null) return null
  await limitDepartures(server, caller)
  const [state, nonce, codeVerifier] = [randomText(server), randomText(server), randomText(server)]
  const attempt: Attempt = { upstreamId, state, nonce, codeVerifier, errand }
  const kept: UpstreamAttempt = {
    id: attemptIdOf(server, state),
    sealed: server.sealer.sealText(purpose, browserHash, JSON.stringify(attempt)),
    expiresAtMs: (await server.store.now()) + attemptSeconds * 1000,
  }
  const codeChallenge = hash('sha256', codeVerifier, 'base64url')
  const { loginHint } = leaving
  const url = await reaching(upstream, () => departureUrl(server, upstream, { state, nonce, codeChallenge, loginHint }))
  await server.store.upstreams.keepAttempt(kept)
  return url
}

export interface Returned {
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
  if (attempt === null) return { kind: 'stale' }
  const { upstreamId, errand, state, nonce, codeVerifier } = attempt
  const upstream = await server.store.upstreams.read(upstreamId)
  if (upstream === null) return { kind: 'stale' }
  if (returned.isRefused) return { kind: 'refused', errand, name: upstream.name }
  // The time first: a cut-off set while the provider is being asked covers what is opened with its answer (I3).
  const authTimeMs = await server.store.now()
  const { query } = returned
  const claims = await reaching(upstream, () => arrivalClaims(server, upstream, { query, state, nonce, codeVerifier }))
  if (claims === null || claims.sub === '' || claims.sub.length > upstreamSubjectCharactersMax) {
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
  const link = await server.store.upstreams.readLink(upstream.id, person.upstreamSubject)
  if (link !== null) return (await server.store.users.read(link.subject))?.user ?? null
  if (!upstream.createsUsers || !person.isEmailVerified || person.email === null) return null
  return emailKey(person.email) === null ? null : createUser(server, meeting, person.email)
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
  const added = await server.store.users.add(user, [newEvent('user_added', about, server.entropy)])
  if (added === 'moved') return null
  const { upstreamSubject } = person
  const link = { upstreamId: upstream.id, upstreamSubject, subject: user.subject, createdAtMs: atMs }
  const linked = await server.store.upstreams.link(link, [newEvent('upstream_linked', about, server.entropy)])
  return linked === 'done' ? user : null
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
  return { kind: outcome === 'done' ? 'linked' : 'link_taken', errand, name }
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
  if ((await charge(server.store.throttles, [limit])).kind === 'within') return
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
