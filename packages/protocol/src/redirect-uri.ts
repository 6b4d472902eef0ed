/**
 * Which redirect URIs may be registered, and when one that was sent is one that was registered. Comparison is of the
 * characters as sent (RFC 9700 §2.1); the port of a loopback IP literal is the single exception (RFC 8252 §7.3).
 */

export const redirectUriCharactersMax = 2048

/** Native applications may register a private-use scheme; everyone else has a host that can be asked who it is. */
export type RedirectUriKind = 'web' | 'bff' | 'spa' | 'native' | 'device' | 'integration' | 'service'

/** A sentence that says why this URI may not be registered, or null when it may. */
export function judgeRedirectUri(text: string, kind: RedirectUriKind): string | null {
  if (text.length > redirectUriCharactersMax) return `a redirect URI has at most ${redirectUriCharactersMax} characters`
  if (!/^[!-~]+$/.test(text)) return 'a redirect URI has only visible ASCII characters'
  if (/[\\*<>"`{}|^]/.test(text)) return 'a redirect URI has no wildcard, backslash or character that must be escaped'
  if (/%(?![0-9A-Fa-f]{2})/.test(text) || /%([01][0-9A-F]|7F)/i.test(text)) {
    return 'a redirect URI escapes no control character, and a percent sign begins an escape'
  }
  if (text.includes('#')) return 'a redirect URI has no fragment'
  return judgePath(beforeQuery(text)) ?? judgeUrl(text, kind)
}

/** True when `presented` is `registered`, character for character but for the port of a loopback IP literal. */
export function isSameRedirectUri(registered: string, presented: string): boolean {
  if (registered === presented) return true
  const left = splitLoopback(registered)
  const right = splitLoopback(presented)
  return left !== null && right !== null && left.host === right.host && left.rest === right.rest
}

/** The origin that may call from a browser, or null for a URI that no web page is served from. */
export function originOfRedirectUri(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { origin } = new URL(text)
  return origin === 'null' ? null : origin
}

/** True for `http` on this very machine: the one place where plain text crosses no network. */
export function isLoopbackUrl(url: URL): boolean {
  return url.protocol === 'http:' && loopbackHosts.has(url.hostname)
}

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** In a query an escaped slash is an ordinary value; in a path two servers may read it as two different paths. */
function judgePath(text: string): string | null {
  if (/%(2e|2f|5c|25)/i.test(text)) return 'a redirect URI escapes no dot, slash or percent sign in its path'
  if (/\/\.{1,2}([/;]|$)/.test(text) || text.includes(';/')) {
    return 'a redirect URI has no dot segment or path parameter in its path'
  }
  return null
}

function judgeUrl(text: string, kind: RedirectUriKind): string | null {
  if (!URL.canParse(text)) return 'a redirect URI is an absolute URI'
  // The parser forgets an `@` with nothing before it, so the text is asked.
  if (/^[^:/]+:\/\/[^/]*@/.test(beforeQuery(text))) return 'a redirect URI has no user information'
  return judgeScheme(text, new URL(text), kind)
}

function beforeQuery(text: string): string {
  const query = text.indexOf('?')
  return query === -1 ? text : text.slice(0, query)
}

function judgeScheme(text: string, url: URL, kind: RedirectUriKind): string | null {
  if (url.protocol === 'https:') return isCanonicalHost(text, url) ? null : hostAsWritten
  if (url.protocol === 'http:') {
    if (!isLoopbackUrl(url)) return 'http is for loopback only; anything else needs https'
    return isCanonicalHost(text, url) ? null : hostAsWritten
  }
  if (kind !== 'native' && kind !== 'device') return `the scheme ${url.protocol} is for native applications only`
  const scheme = url.protocol.slice(0, -1)
  if (!scheme.includes('.'))
    return 'a private-use scheme is a reversed domain name, such as com.example.app (RFC 8252 §7.1)'
  return text.startsWith(`${scheme}:`) ? null : 'a scheme is written in lower case'
}

const hostAsWritten = 'scheme and host are written in lower case and in their plain form'

/** What the URL parser makes of the host must be what was written: no upper case, octal, decimal or full-width form. */
function isCanonicalHost(text: string, url: URL): boolean {
  const authority = `${url.protocol}//${url.host}`
  if (!text.startsWith(authority)) return hasDefaultPort(text, url)
  const next = text.charAt(authority.length)
  return next === '' || next === '/' || next === '?' || hasDefaultPort(text, url)
}

function hasDefaultPort(text: string, url: URL): boolean {
  const port = url.protocol === 'https:' ? 443 : 80
  return text.startsWith(`${url.protocol}//${url.hostname}:${port}`)
}

/** The port may be any that a socket can have, or none; it is written in decimal without leading zeros. */
function splitLoopback(text: string): { readonly host: string; readonly rest: string } | null {
  const match = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?((?:[/?][!-~]*)?)$/.exec(text)
  if (match?.[1] === undefined || match[3] === undefined) return null
  return Number(match[2] ?? 80) > portMax ? null : { host: match[1], rest: match[3] }
}

const portMax = 65_535
