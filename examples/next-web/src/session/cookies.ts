/** Two cookies: who the browser is, and which sign-in it has begun. Neither says anything to whoever reads it. */

import { randomBytes } from 'node:crypto'

export const sessionCookie = '__Host-session'
export const attemptCookie = '__Host-attempt'

const sessionIdBytes = 32

export function newSessionId(): string {
  return randomBytes(sessionIdBytes).toString('base64url')
}

/** The name of the browser's grant: a hash of its id, so that the store signs nobody in. Null without a session. */
export async function grantOf(request: Request): Promise<string | null> {
  const id = readCookie(request, sessionCookie)
  return id === null || !/^[\w-]{43}$/.test(id) ? null : grantNamed(id)
}

export async function grantNamed(id: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id))
  return Buffer.from(hash).toString('base64url')
}

export function readCookie(request: Request, name: string): string | null {
  const pairs = (request.headers.get('cookie') ?? '').split('; ')
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null
}

/** Ends with the browser, or at once where there is no value. */
export function cookie(name: string, value: string | null): string {
  const life = value === null ? '; Max-Age=0' : ''
  return `${name}=${value ?? ''}; Path=/; Secure; HttpOnly; SameSite=Lax${life}`
}

export function redirectTo(url: string | URL, ...cookies: readonly string[]): Response {
  const headers = new Headers({ location: String(url), 'cache-control': 'no-store' })
  for (const each of cookies) headers.append('set-cookie', each)
  return new Response(null, { status: 303, headers })
}
