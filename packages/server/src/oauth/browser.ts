/**
 * The browser as the protocol knows it: a session, if somebody has signed in, and a device, if somebody did before. HTTP
 * brings the cookies' values and takes away new ones; what they mean is decided here and below.
 */

import type { Caller } from '../domain/event/new-event.ts'
import { type Shown, shownByPassword } from '../domain/session/acr.ts'
import type { Session } from '../domain/session/session.ts'
import { readSession, settledSession, startSession } from '../domain/session/sessions.ts'
import { signIn, type SignInMeans } from '../domain/user/sign-in.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { FirstFactor } from './authorize/interaction.ts'

export interface BrowserSecrets {
  readonly session: string | null
  readonly device: string | null
}

export interface PasswordAttempt {
  readonly username: string
  readonly password: string
  readonly browser: BrowserSecrets
  readonly caller: Caller
}

/** A session, with what the browser must keep of it. */
export interface SignedIn {
  readonly kind: 'signed_in'
  readonly session: Session
  readonly secrets: { readonly session: string; readonly device: string }
}

export type PasswordOutcome =
  | SignedIn
  /** The password was right, and this person has a second factor: there is no session yet. */
  | { readonly kind: 'half'; readonly firstFactor: FirstFactor }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled' | 'busy'; readonly retryAfterSeconds: number }

/** The living session behind the cookie's value, or null. */
export function sessionOf(server: AuthorizationServer, secret: string | null): Promise<Session | null> {
  return readSession({ sessions: server.store.sessions, hashes: server.hasher }, secret)
}

/** The same, where null is acted on or acknowledged: it is durable then. */
export function settledSessionOf(server: AuthorizationServer, secret: string | null): Promise<Session | null> {
  return settledSession({ sessions: server.store.sessions, hashes: server.hasher }, secret)
}

/** How the person of a session is addressed on pages. */
export async function emailOf(server: AuthorizationServer, session: Session): Promise<string> {
  const reading = await server.store.users.read(session.subject)
  return reading?.user.email ?? ''
}

/** A name for a browser that has none yet: what is sealed for it opens nowhere else. */
export function newBrowser(server: AuthorizationServer): { readonly secret: string; readonly hash: string } {
  return server.hasher.newSecret('browser')
}

/** Null for a value that we did not make. */
export function browserHash(server: AuthorizationServer, secret: string | null): string | null {
  return secret === null ? null : server.hasher.hashOf('browser', secret)
}

/** Tries a password, and on success starts a session under a new secret, or asks for the second factor. */
export async function signInWithPassword(
  server: AuthorizationServer,
  attempt: PasswordAttempt,
): Promise<PasswordOutcome> {
  const { username, password, browser, caller } = attempt
  const means = passwordMeans(server)
  const outcome = await signIn(means, { username, password, deviceSecret: browser.device, caller })
  if (outcome.kind !== 'signed_in') return outcome
  const { user, authTimeMs, deviceSecret } = outcome
  const { totp } = await server.store.credentials.ofUser(user.subject)
  if (totp !== null)
    return { kind: 'half', firstFactor: { subject: user.subject, authTimeMs, amr: shownByPassword.amr } }
  return openSession(server, {
    subject: user.subject,
    authTimeMs,
    shown: shownByPassword,
    deviceSecret,
    browser,
    caller,
  })
}

/** What trying a password takes. */
export function passwordMeans(server: AuthorizationServer): SignInMeans {
  return {
    users: server.store.users,
    throttles: server.store.throttles,
    events: server.store.events,
    passwords: server.passwords,
    hashes: server.hasher,
    entropy: server.entropy,
    nowMs: () => server.store.now(),
    limits: server.signInLimits,
  }
}

export interface SessionOpening {
  readonly subject: Session['subject']
  readonly authTimeMs: number
  readonly shown: Shown
  /** What the device cookie must hold from now on. */
  readonly deviceSecret: string
  readonly browser: BrowserSecrets
  readonly caller: Caller
}

/** Starts a session under a new secret, in the place of whatever the browser had. */
export async function openSession(server: AuthorizationServer, opening: SessionOpening): Promise<SignedIn> {
  const { subject, authTimeMs, shown, deviceSecret, browser, caller } = opening
  const { session, secret } = await startSession(
    { sessions: server.store.sessions, hashes: server.hasher, entropy: server.entropy },
    {
      subject,
      authTimeMs,
      shown,
      lifeSeconds: server.rules.sessionSeconds,
      previous: await settledSessionOf(server, browser.session),
      caller,
    },
  )
  return { kind: 'signed_in', session, secrets: { session: secret, device: deviceSecret } }
}
