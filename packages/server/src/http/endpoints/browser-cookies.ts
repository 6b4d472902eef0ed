/**
 * The three cookies of a browser: who it is to us (what is sealed opens only there), the session, and the device that
 * strangers cannot lock out. All `__Host-`, all unreadable to scripts.
 */

import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { browserHash, newBrowser, sessionOf } from '../../oauth/browser.ts'
import type { Session } from '../../domain/session/session.ts'
import { expiredHostCookie, hostCookie, parseCookies } from '../cookies.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'

export const browserCookie = '__Host-pawl_browser'
export const sessionCookie = '__Host-pawl_session'
export const deviceCookie = '__Host-pawl_device'
/** The longest that browsers keep a cookie (RFC 6265bis §5.5). */
export const deviceCookieSeconds = 400 * 86_400

export interface Browser {
  readonly hash: string
  readonly session: Session | null
  readonly secrets: { readonly session: string | null; readonly device: string | null }
  /** What the answer must set; empty when the browser is known. */
  readonly setCookies: readonly string[]
}

/** What the device cookie holds, for whoever needs no more of the browser. */
export function deviceSecretOf(request: HttpRequest): string | null {
  return parseCookies(request.headers['cookie']).get(deviceCookie) ?? null
}

/** The browser behind a request; a new one gets its name with the answer. */
export async function browserOf(server: AuthorizationServer, request: HttpRequest): Promise<Browser> {
  const cookies = parseCookies(request.headers['cookie'])
  const secrets = { session: cookies.get(sessionCookie) ?? null, device: cookies.get(deviceCookie) ?? null }
  const session = await sessionOf(server, secrets.session)
  const known = browserHash(server, cookies.get(browserCookie) ?? null)
  if (known !== null) return { hash: known, session, secrets, setCookies: [] }
  const fresh = newBrowser(server)
  return { hash: fresh.hash, session, secrets, setCookies: [hostCookie(browserCookie, fresh.secret, null)] }
}

export function signedInCookies(
  secrets: { readonly session: string; readonly device: string },
  session: Session,
): readonly string[] {
  const seconds = (session.expiresAtMs - session.authTimeMs) / 1000
  return [
    hostCookie(sessionCookie, secrets.session, seconds),
    hostCookie(deviceCookie, secrets.device, deviceCookieSeconds),
  ]
}

export function signedOutCookies(): readonly string[] {
  return [expiredHostCookie(sessionCookie)]
}

export function withCookies(response: HttpResponse, cookies: readonly string[]): HttpResponse {
  return cookies.length === 0 ? response : { ...response, headers: { ...response.headers, 'Set-Cookie': cookies } }
}
