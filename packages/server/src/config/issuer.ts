/** The issuer's form (RFC 8414 §2, RFC 9207 §2): one exact text, because clients compare it character by character. */

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']

/** A sentence that refuses this issuer, or null when it is good. */
export function judgeIssuer(text: string): string | null {
  if (!URL.canParse(text)) return 'an issuer is a whole URL such as https://login.example.com'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'an issuer is an https URL'
  if (url.username !== '' || url.password !== '') return 'an issuer has no user name or password in it'
  if (text.includes('?') || text.includes('#')) return 'an issuer has no query and no fragment (RFC 8414 §2)'
  if (text.endsWith('/')) return `an issuer has no trailing slash: write ${text.replace(/\/{1,64}$/, '')}`
  if (url.pathname !== '/') return 'an issuer with a path is not there yet: give Pawl a host name of its own'
  if (url.origin !== text) return `write the issuer as ${url.origin}: lower case, without the default port`
  if (url.protocol === 'http:' && !isLoopbackIssuer(text)) {
    return `http is for loopback only: write https://${url.host}, or http://localhost for development`
  }
  return null
}

/** An issuer on loopback is development: everything lax that Pawl has hangs on this one question. */
export function isLoopbackIssuer(issuer: string): boolean {
  return URL.canParse(issuer) && isLoopbackHost(new URL(issuer).hostname)
}

/** As a URL writes it: an IPv6 address stands in brackets. */
export function isLoopbackHost(host: string): boolean {
  return loopbackHosts.includes(host)
}
