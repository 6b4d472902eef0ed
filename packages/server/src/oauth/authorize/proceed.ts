/**
 * What comes next for an interaction: a question to the person, or the answer to the application. Asked again after every
 * step, so that the rules about sign-in and consent stand in one place (OIDC Core §3.1.2.3, §3.1.2.4).
 */

import type { DetailInWords } from '../../domain/authorization-details/details-words.ts'
import type { Client } from '../../domain/client/client.ts'
import { needsConsent } from '../../domain/consent/consents.ts'
import type { Caller } from '../../domain/event/new-event.ts'
import {
  type Offers,
  passwordAcr,
  satisfiesAny,
  type WantedAcr,
  wantedAcr,
  waysToRaise,
} from '../../domain/session/acr.ts'
import type { Session } from '../../domain/session/session.ts'
import type { User } from '../../domain/user/user.ts'
import { detailsInWords } from '../authorization-details.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { scopesOfClaims } from '../user-claims.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { type AuthorizationResponse, errorResponse } from './authorization-response.ts'
import { finishInteraction } from './finish.ts'
import { firstFactorSeconds, type Interaction } from './interaction.ts'

export type Next =
  | { readonly kind: 'respond'; readonly response: AuthorizationResponse }
  | {
      readonly kind: 'sign_in'
      readonly interaction: Interaction
      readonly client: Client
      /** The e-mail of the person who is signed in and has to show it once more; null where anybody may sign in. */
      readonly signedInAs: string | null
    }
  | {
      readonly kind: 'consent'
      readonly interaction: Interaction
      readonly client: Client
      readonly user: User
      readonly session: Session
      readonly details: readonly DetailInWords[]
    }
  | {
      readonly kind: 'second_factor'
      readonly interaction: Interaction
      readonly client: Client
      readonly user: User
      /** What the person has that will do. */
      readonly offers: Offers
    }
  | { readonly kind: 'already_used'; readonly client: Client }

export interface Situation {
  readonly interaction: Interaction
  readonly client: Client
  readonly session: Session | null
  /** The person has just said yes on the consent page of this interaction. */
  readonly hasConsented: boolean
  readonly caller: Caller
}

export async function proceed(server: AuthorizationServer, situation: Situation): Promise<Next> {
  const { interaction, client } = situation
  const { request } = interaction
  const isSilent = request.prompts.includes('none')
  // The time first, then what the grant will stand on: a cut-off set meanwhile lies after it, and ends the grant (I3).
  const nowMs = await server.store.now()
  const session = await stillLiving(server, situation.session)
  const signedIn = session !== null && suffices(server, situation, session, nowMs) ? session : null
  const user = signedIn === null ? null : await userOf(server, signedIn.subject)
  if (signedIn === null || user === null) {
    if (isSilent) return refuse(server, request, 'login_required')
    return askToSignIn(server, situation, session, nowMs)
  }
  const raise = await raiseFor(server, situation, signedIn)
  if (raise === 'unmet') return refuse(server, request, 'unmet_authentication_requirements')
  if (raise === 'password') {
    if (isSilent) return refuse(server, request, 'login_required')
    return { kind: 'sign_in', interaction, client, signedInAs: user.email }
  }
  if (raise !== null) {
    if (isSilent) return refuse(server, request, 'interaction_required')
    return { kind: 'second_factor', interaction, client, user, offers: raise }
  }
  if (!situation.hasConsented && (await mustAsk(server, client, interaction, signedIn))) {
    if (isSilent) return refuse(server, request, 'consent_required')
    const asked = { ...interaction, askedSessionId: signedIn.id }
    const details = await detailsInWords(server, request.authorizationDetails)
    return { kind: 'consent', interaction: asked, client, user, session: signedIn, details }
  }
  const { caller } = situation
  const response = await finishInteraction(server, { interaction, client, session: signedIn, caller, nowMs })
  return response === null ? { kind: 'already_used', client } : { kind: 'respond', response }
}

/** What the person is asked to allow: the scopes, and those that cover claims asked for by name. */
export function scopesToAllow(request: AuthorizationRequest): readonly string[] {
  return [...new Set([...request.scopes, ...scopesOfClaims(request.claims)])]
}

/** The session as it is now: its row may have gone, or have been cut off, since the request came in. */
async function stillLiving(server: AuthorizationServer, session: Session | null): Promise<Session | null> {
  const living = session === null ? null : await server.store.sessions.read(session.id)
  return living?.subject === session?.subject ? living : null
}

/** A session answers when it is the right user's and as fresh as the request wants it. */
function suffices(
  server: AuthorizationServer,
  { interaction, client }: Situation,
  session: Session,
  nowMs: number,
): boolean {
  const { request, startedAtMs } = interaction
  if (!mayAnswer(server, request, client, session)) return false
  if (session.authTimeMs >= startedAtMs) return true
  const ageSecondsMax = authAgeSecondsMax(request, client)
  return ageSecondsMax === null || nowMs - session.authTimeMs <= ageSecondsMax * 1000
}

/** How long ago whoever answers may have signed in; null where it does not matter. */
export function authAgeSecondsMax(request: AuthorizationRequest, client: Client): number | null {
  const { prompts, maxAgeSeconds } = request
  if (prompts.some(prompt => prompt === 'login' || prompt === 'select_account' || prompt === 'create')) return 0
  const secondsMax = Math.min(maxAgeSeconds ?? Infinity, client.maxAuthAgeSeconds ?? Infinity)
  return secondsMax === Infinity ? null : secondsMax
}

/** The request may name the only user who counts, under the name that its client knows them by. */
function mayAnswer(
  server: AuthorizationServer,
  { subject }: AuthorizationRequest,
  client: Client,
  session: Session,
): boolean {
  return subject === null || subject === server.subjects.nameFor(client, session.subject)
}

/** Somebody whose password was right a moment ago is asked for the second factor, everybody else for the first. */
async function askToSignIn(
  server: AuthorizationServer,
  { interaction, client }: Situation,
  session: Session | null,
  nowMs: number,
): Promise<Next> {
  const { firstFactor, request } = interaction
  const isRecent = firstFactor !== null && nowMs < firstFactor.authTimeMs + firstFactorSeconds * 1000
  const user = isRecent ? await userOf(server, firstFactor.subject) : null
  const offers = user === null ? null : await offersOf(server, user.subject)
  if (user !== null && offers?.code === true) return { kind: 'second_factor', interaction, client, user, offers }
  return { kind: 'sign_in', interaction, client, signedInAs: await signedInAs(server, request, client, session) }
}

/** How the session can be raised to what is asked of it: null where it need not be, or nobody insists and it cannot. */
async function raiseFor(
  server: AuthorizationServer,
  { interaction, client }: Situation,
  session: Session,
): Promise<Offers | 'password' | 'unmet' | null> {
  const { request } = interaction
  const byClient = client.minimumAcr === null ? null : wantedAcr([client.minimumAcr], true)
  const lacking = [byClient, request.wantedAcr].filter(wanted => lacks(session, wanted))
  if (lacking.length === 0) return null
  const offers = await offersOf(server, session.subject)
  // What the client insists on comes first: raising may have to happen twice, and each time leads further.
  for (const wanted of lacking) {
    const ways = wanted === null ? null : waysToRaise(session.acr, wanted, offers)
    // One factor does not stand for another, but whoever came from another provider may have a password too.
    const byPassword = wanted !== null && satisfiesAny(passwordAcr, wanted.values)
    if (ways === null && wanted?.essential === true) return byPassword ? 'password' : 'unmet'
    const isWish = wanted?.essential !== true && request.prompts.includes('none')
    if (ways !== null && !isWish) return ways
  }
  return null
}

function lacks(session: Session, wanted: WantedAcr | null): boolean {
  return wanted !== null && !satisfiesAny(session.acr, wanted.values)
}

async function offersOf(server: AuthorizationServer, subject: Session['subject']): Promise<Offers> {
  const { totp, passkeys } = await server.store.credentials.ofUser(subject)
  return { code: totp !== null, passkey: passkeys.length > 0 }
}

async function signedInAs(
  server: AuthorizationServer,
  request: AuthorizationRequest,
  client: Client,
  session: Session | null,
): Promise<string | null> {
  if (session === null || !mayAnswer(server, request, client, session)) return null
  return (await userOf(server, session.subject))?.email ?? null
}

async function userOf(server: AuthorizationServer, subject: Session['subject']): Promise<User | null> {
  const reading = await server.store.users.read(subject)
  return reading === null || reading.user.disabled ? null : reading.user
}

async function mustAsk(
  server: AuthorizationServer,
  client: Client,
  interaction: Interaction,
  session: Session,
): Promise<boolean> {
  const { request } = interaction
  // Whoever holds the device may be somebody else, so nothing that was allowed before counts (RFC 8628 §5.4).
  if (request.device !== null) return true
  return needsConsent({
    client,
    redirectUri: request.redirectUri,
    subject: session.subject,
    scopes: scopesToAllow(request),
    resources: request.resources,
    hasDetails: request.authorizationDetails !== null,
    promptConsent: request.prompts.includes('consent'),
    remembered: await server.store.consents.read(session.subject, client.id),
  })
}

type SilentRefusal =
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'unmet_authentication_requirements'

function refuse(server: AuthorizationServer, request: AuthorizationRequest, code: SilentRefusal): Next {
  const error = { code, description: refusals[code] }
  return { kind: 'respond', response: errorResponse(server, request, error) }
}

const refusals: { readonly [code in SilentRefusal]: string } = {
  login_required: 'The person must sign in.',
  consent_required: 'The person must be asked.',
  interaction_required: 'The person must show a second factor.',
  unmet_authentication_requirements: 'The person has no way to sign in with an acr that was demanded.',
}
