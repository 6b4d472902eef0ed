/**
 * The two cookies. `__Host-Http-` says that no script set it and no sibling host can; browsers that do not know it yet take
 * it for `__Host-`, which it begins with, and hold it to that: Secure, Path=/, no Domain (RFC 6265bis §4.1.3).
 */

export const sessionCookie = '__Host-Http-pawl-session'
const signInCookie = '__Host-Http-pawl-sign-in'

/** A sign-in begun in another tab has a cookie of its own. */
export function signInCookieOf(state: string): string {
  return `${signInCookie}-${state.replaceAll(/[^\w-]/g, '').slice(0, 12)}`
}

/** The value of the cookie, or null; null too where it came twice, because one of them is not ours. */
export function readCookie(request: Request, name: string): string | null {
  const values = (request.headers.get('cookie') ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1))
  return values.length === 1 ? (values[0] ?? null) : null
}

/** Sent to this very host, over TLS, out of reach of scripts; never along with a request that another site began. */
export function setSessionCookie(value: string, maxAgeSeconds: number): string {
  return cookie(sessionCookie, value, 'Strict', maxAgeSeconds)
}

/** Lax: the answer to a sign-in is a navigation that another site began. */
export function setSignInCookie(state: string, value: string, maxAgeSeconds: number): string {
  return cookie(signInCookieOf(state), value, 'Lax', maxAgeSeconds)
}

export function clearSessionCookie(): string {
  return cookie(sessionCookie, '', 'Strict', 0)
}

export function clearSignInCookie(state: string): string {
  return cookie(signInCookieOf(state), '', 'Lax', 0)
}

function cookie(name: string, value: string, sameSite: 'Strict' | 'Lax', maxAgeSeconds: number): string {
  return `${name}=${value}; Max-Age=${maxAgeSeconds}; Path=/; Secure; HttpOnly; SameSite=${sameSite}`
}
