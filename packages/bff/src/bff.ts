/**
 * The backend for frontend: one function from a request to a response. It keeps the tokens; the browser has a cookie
 * (RFC 10017 §6.1). Built on fetch's own types, so that every server framework can call it.
 */

import type { Custody } from '@pawl/client'
import { answerError, answerSignedOut, type BffError } from './answers.ts'
import { obeyLogout } from './back-channel.ts'
import { type BffOptions, type Settings, settingsOf } from './bff-options.ts'
import { clearSessionCookie } from './cookies.ts'
import { sessionHolders } from './holders.ts'
import type { Inside } from './inside.ts'
import { logoutTokens } from './logout-token.ts'
import { forward } from './forward.ts'
import { findRoute } from './routes.ts'
import { judgeOrigin, type OriginFault } from './same-origin.ts'
import { beginAt, finishAt } from './sign-in.ts'
import { signOut, tellSession } from './session-endpoints.ts'
import { endListed, sessionOf } from './session-life.ts'
import { type ListedSession, listSessions } from './session-lists.ts'
import { judgeUpgrade, type Upgrade } from './upgrade.ts'

export interface Bff {
  /** The answer to what is ours, and null to everything else: the application's own. */
  (request: Request): Promise<Response | null>
  /**
   * What a request to become a WebSocket may do: be carried on to an API, or get an answer; null when it is none of ours.
   * A browser lets every site ask, and says in `Origin` which one does.
   */
  upgrade(request: Request): Promise<Upgrade | Response | null>
  /** The sessions that a person has, oldest first. */
  sessionsOf(subject: string): Promise<readonly ListedSession[]>
  /** Ends all sessions of a person in this application, at once and in every process; answers how many. */
  endSessionsOf(subject: string): Promise<number>
  /** Waits for refreshes that were sent. The store stays open: it is the caller's. */
  close(): Promise<void>
}

/** Throws `TypeError` when an option is not safe, with a sentence that says what to change. */
export function answerBff(options: BffOptions): Bff {
  const settings = settingsOf(options)
  const custody = custodyOf(settings)
  const inside: Inside = {
    settings,
    custody,
    holders: sessionHolders(settings, custody),
    logoutTokens: logoutTokens(settings, custody),
  }
  return Object.assign((request: Request) => answerOrSay(inside, request), {
    upgrade: (request: Request) => judgeUpgrade(inside, request),
    sessionsOf: (subject: string) => listSessions(settings, 'subject', subject),
    endSessionsOf: (subject: string) => endListed(inside, 'subject', subject, 'operator'),
    close: () => inside.holders.close(),
  })
}

function custodyOf({ given, store, server, client, custodyKey }: Settings): Custody {
  const { authentication, fetch, clock, chance } = given
  return {
    server,
    client,
    store,
    custodyKey,
    authentication,
    ...(fetch === undefined ? {} : { fetch }),
    ...(clock === undefined ? {} : { clock }),
    ...(chance === undefined ? {} : { chance }),
  }
}

type Endpoint = (inside: Inside, request: Request, url: URL) => Promise<Response>

/** `isOpen`: comes by navigation or from the server, and brings its own proof. */
const endpoints: {
  readonly [path: string]: { readonly method: string; readonly isOpen: boolean; readonly answer: Endpoint }
} = {
  '/sign-in': { method: 'GET', isOpen: true, answer: beginAt },
  '/callback': { method: 'GET', isOpen: true, answer: finishAt },
  '/session': { method: 'GET', isOpen: false, answer: tellSession },
  '/sign-out': { method: 'POST', isOpen: false, answer: signOut },
  '/back-channel-logout': { method: 'POST', isOpen: true, answer: obeyLogout },
}

/** A store that fails, or a server that cannot be reached: whoever asks may ask again. */
async function answerOrSay(inside: Inside, request: Request): Promise<Response | null> {
  try {
    return await answer(inside, request)
  } catch (error) {
    inside.settings.tell({ kind: 'trouble', error })
    return answerError(503, 'unavailable', [['retry-after', '1']])
  }
}

async function answer(inside: Inside, request: Request): Promise<Response | null> {
  const { settings } = inside
  const url = new URL(request.url)
  if (`${url.pathname}/`.startsWith(`${settings.basePath}/`)) return answerEndpoint(inside, request, url)
  const routed = findRoute(settings.routes, url, request.method)
  if (routed.kind === 'no-route') return null
  const fault = judgeOrigin(request, settings.origin)
  if (fault !== null) return refused(inside, fault)
  if (routed.kind !== 'found') return refused(inside, routed.kind)
  const session = await sessionOf(inside, request)
  return session === null ? answerSignedOut(clearSessionCookie()) : forward(inside, request, session, routed)
}

async function answerEndpoint(inside: Inside, request: Request, url: URL): Promise<Response> {
  const { settings } = inside
  const endpoint = endpoints[url.pathname.slice(settings.basePath.length)]
  if (endpoint === undefined) return refused(inside, 'no-route')
  if (request.method !== endpoint.method) return refused(inside, 'method')
  const fault = endpoint.isOpen ? null : judgeOrigin(request, settings.origin)
  if (fault !== null) return refused(inside, fault)
  return endpoint.answer(inside, request, url)
}

const refusals: { readonly [reason in Refused]: readonly [number, BffError] } = {
  'cross-site': [403, 'cross_site'],
  'no-header': [403, 'missing_header'],
  'bad-path': [403, 'bad_path'],
  'no-route': [404, 'not_found'],
  method: [405, 'method_not_allowed'],
}

type Refused = OriginFault | 'bad-path' | 'no-route' | 'method'

function refused({ settings }: Inside, reason: Refused): Response {
  settings.tell({ kind: 'refused', reason })
  return answerError(...refusals[reason])
}
