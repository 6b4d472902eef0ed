/**
 * Cookies, in and out. Ours all carry the `__Host-` prefix: only this host, over TLS, for the whole site can have set them
 * (RFC 6265bis §4.1.3.2). A cookie that is sent twice is treated as absent: one of the two is not ours.
 */

export const cookieCharactersMax = 16_384
export const cookiesMax = 64

/** The cookies of a request, by name. More than the limits, or nothing readable, is no cookies at all. */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  if (header === undefined || header.length > cookieCharactersMax) return cookies
  const pairs = header.split(';', cookiesMax + 1)
  if (pairs.length > cookiesMax) return cookies
  const doubtful = new Set<string>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    if (cookies.has(name)) doubtful.add(name)
    cookies.set(name, pair.slice(equals + 1).trim())
  }
  for (const name of doubtful) cookies.delete(name)
  return cookies
}

/** The name as the browser must see it. */
export type HostCookieName = `__Host-${string}`

/**
 * A `Set-Cookie` value. `lifeSeconds: null` makes it last as long as the browser stays open. Throws for a name or value
 * that would need escaping: ours never do.
 */
export function hostCookie(name: HostCookieName, value: string, lifeSeconds: number | null): string {
  if (!/^__Host-[A-Za-z0-9_-]{1,64}$/.test(name)) throw new RangeError('a cookie name has a character it must not have')
  if (!/^[A-Za-z0-9._~-]{0,4000}$/.test(value)) throw new RangeError('a cookie value has a character it must not have')
  const age = lifeSeconds === null ? '' : `; Max-Age=${Math.max(0, Math.floor(lifeSeconds))}`
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax${age}`
}

/** Makes the browser forget the cookie. */
export function expiredHostCookie(name: HostCookieName): string {
  return hostCookie(name, '', 0)
}
