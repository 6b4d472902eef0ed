/**
 * A visit is a person on the way to their own account page, where no application waits. Like an interaction it is kept
 * nowhere: it rides, sealed, through the pages in between. Everything on the account page can hurt, so whoever sees it
 * has signed in a moment ago, with all they have set up to sign in with.
 */

import { satisfies, twoFactorAcr } from '../../domain/session/acr.ts'
import type { Session } from '../../domain/session/session.ts'
import type { User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { type FirstFactor, firstFactorSeconds } from '../authorize/interaction.ts'

/** How long ago somebody on the account page has signed in at most. */
export const accountSeconds = 900
export const visitSeconds = 3600

export interface Visit {
  readonly startedAtMs: number
  /** What the person typed as their name. */
  readonly loginHint: string | null
  readonly firstFactor: FirstFactor | null
  /** Somebody else wants to sign in: only who signs in after the visit began counts. */
  readonly isAnew: boolean
}

export type VisitNext =
  | { readonly kind: 'account'; readonly user: User; readonly session: Session }
  | { readonly kind: 'sign_in'; readonly signedInAs: string | null }
  | { readonly kind: 'second_factor'; readonly user: User; readonly hasPasskey: boolean }

export async function startVisit(server: AuthorizationServer, isAnew = false): Promise<Visit> {
  return { startedAtMs: await server.store.now(), loginHint: null, firstFactor: null, isAnew }
}

export function sealVisit(server: AuthorizationServer, visit: Visit, browserHash: string): string {
  return server.sealer.sealText(purpose, browserHash, JSON.stringify(visit))
}

/** Null for what was not sealed by us, for this browser, within the last hour. */
export async function resumeVisit(
  server: AuthorizationServer,
  stateToken: string,
  browserHash: string,
): Promise<Visit | null> {
  const text = server.sealer.openText(purpose, browserHash, stateToken)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const visit = JSON.parse(text) as Visit
  return (await server.store.now()) < visitEndsAtMs(visit) ? visit : null
}

export function visitEndsAtMs(visit: Visit): number {
  return visit.startedAtMs + visitSeconds * 1000
}

/** What comes next on the way, asked again after every step. */
export async function nextOfVisit(
  server: AuthorizationServer,
  visit: Visit,
  session: Session | null,
): Promise<VisitNext> {
  const nowMs = await server.store.now()
  const living = session === null ? null : await server.store.sessions.read(session.id)
  const user = living === null ? null : await enabledUser(server, living.subject)
  const isFresh = living !== null && isFreshFor(visit, living, nowMs)
  if (living !== null && user !== null && isFresh) {
    const { totp, passkeys } = await server.store.credentials.ofUser(user.subject)
    const isEnough = totp === null || satisfies(living.acr, twoFactorAcr)
    if (isEnough) return { kind: 'account', user, session: living }
    return { kind: 'second_factor', user, hasPasskey: passkeys.length > 0 }
  }
  return (
    (await afterPassword(server, visit, nowMs)) ?? {
      kind: 'sign_in',
      signedInAs: visit.isAnew ? null : (user?.email ?? null),
    }
  )
}

function isFreshFor({ isAnew, startedAtMs }: Visit, { authTimeMs }: Session, nowMs: number): boolean {
  return isAnew ? authTimeMs >= startedAtMs : nowMs < authTimeMs + accountSeconds * 1000
}

async function afterPassword(
  server: AuthorizationServer,
  { firstFactor }: Visit,
  nowMs: number,
): Promise<VisitNext | null> {
  if (firstFactor === null || nowMs >= firstFactor.authTimeMs + firstFactorSeconds * 1000) return null
  const user = await enabledUser(server, firstFactor.subject)
  if (user === null) return null
  const { totp, passkeys } = await server.store.credentials.ofUser(user.subject)
  return totp === null ? null : { kind: 'second_factor', user, hasPasskey: passkeys.length > 0 }
}

async function enabledUser(server: AuthorizationServer, subject: User['subject']): Promise<User | null> {
  const reading = await server.store.users.read(subject)
  return reading === null || reading.user.disabled ? null : reading.user
}

const purpose = 'visit'
